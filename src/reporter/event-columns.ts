// hot
import type { TraceEvents } from '../profile/build/window-contents.ts';
import { Uint32List } from '../support/uint32-list.ts';

/** References of an event, by indices of its window; `link` is -1 for none. */
export interface EventIndices {
  resource: number;
  profileType: number;
  stack: number;
  context: number;
  link: number;
}

/** Trace events in columns: 36 bytes an event, in the order of their arrival. */
export class EventColumns implements TraceEvents {
  readonly #resource = new Uint32List(256);
  readonly #profileType = new Uint32List(256);
  readonly #stack = new Uint32List(256);
  readonly #context = new Uint32List(256);
  readonly #linkPlusOne = new Uint32List(256);
  #unixNano = new BigUint64Array(256);
  #value = new BigInt64Array(256);
  #heldCount = 0;

  get count(): number {
    return this.#resource.length;
  }

  get sizeBytes(): number {
    return this.count * 36;
  }

  /** `unixNano` and `value` are element `moment` of the columns they come from. */
  add(event: EventIndices, unixNano: BigUint64Array, value: BigInt64Array, moment: number): void {
    const index = this.#addIndices(event);
    this.#unixNano[index] = unixNano[moment]!;
    this.#value[index] = value[moment]!;
  }

  /** Adds an event of the window before, which waited for a name. All such come before the first other one. */
  addHeld(event: EventIndices, unixNano: bigint, value: bigint): void {
    const index = this.#addIndices(event);
    this.#unixNano[index] = unixNano;
    this.#value[index] = value;
    this.#heldCount = index + 1;
  }

  wasHeld(event: number): boolean {
    return event < this.#heldCount;
  }

  #addIndices(event: EventIndices): number {
    const index = this.count;
    if (index === this.#unixNano.length) this.#grow();
    this.#resource.push(event.resource);
    this.#profileType.push(event.profileType);
    this.#stack.push(event.stack);
    this.#context.push(event.context);
    this.#linkPlusOne.push(event.link + 1);
    return index;
  }

  resource(event: number): number {
    return this.#resource.at(event);
  }

  profileType(event: number): number {
    return this.#profileType.at(event);
  }

  stack(event: number): number {
    return this.#stack.at(event);
  }

  context(event: number): number {
    return this.#context.at(event);
  }

  link(event: number): number {
    return this.#linkPlusOne.at(event) - 1;
  }

  unixNano(event: number): bigint {
    return this.#unixNano[event]!;
  }

  value(event: number): bigint {
    return this.#value[event]!;
  }

  #grow(): void {
    const unixNano = new BigUint64Array(this.#unixNano.length * 2);
    unixNano.set(this.#unixNano);
    this.#unixNano = unixNano;
    const value = new BigInt64Array(this.#value.length * 2);
    value.set(this.#value);
    this.#value = value;
  }
}

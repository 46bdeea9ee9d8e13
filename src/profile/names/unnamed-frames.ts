import { frameKinds, frameTypeName } from '../../model/frame-kind.ts';

/** Frames without a name, of one type and for one reason. */
export interface UnnamedFrames {
  readonly reason: string;
  readonly frameType: string;
  readonly count: number;
}

const knownTypes: ReadonlySet<string> = new Set(Object.values(frameKinds).map(frameTypeName));

/** Counts frames without a name. Senders write frame types as they like: unknown ones are counted as `other`. */
export class UnnamedTally {
  readonly #counts = new Map<string, { reason: string; frameType: string; count: number }>();

  /** An empty type is native, the only one that promises nothing. */
  add(reason: string, frameType: string): void {
    const type = frameType === '' ? 'native' : knownTypes.has(frameType) ? frameType : 'other';
    const key = `${reason} ${type}`;
    const entry = this.#counts.get(key) ?? { reason, frameType: type, count: 0 };
    entry.count += 1;
    this.#counts.set(key, entry);
  }

  toArray(): UnnamedFrames[] {
    return [...this.#counts.values()];
  }
}

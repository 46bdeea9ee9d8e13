import type {
  AnyValue,
  FunctionEntry,
  KeyValueAndUnit,
  Line,
  Link,
  Location,
  Mapping,
  ProfilesDictionary,
  Stack,
} from '../../otlp/profiles-data.ts';
import { QuadIndex } from '../../support/quad-index.ts';
import { DictionaryTable, zeroMapping } from './dictionary-table.ts';

const noBytes = new Uint8Array(0);

/**
 * The seven tables while they are filled. Each `intern` method adds an entry or finds an equal one and returns its
 * index, so no table has duplicates; entry 0 is the zero value. Nothing is added that nobody refers to, as long as
 * callers intern only what they use.
 */
export class DictionaryBuilder {
  readonly #strings = new DictionaryTable<string>('', '');
  readonly #attributes = new DictionaryTable<KeyValueAndUnit>(
    { keyStrindex: 0, value: undefined, unitStrindex: 0 },
    '',
  );
  readonly #mappings = new DictionaryTable<Mapping>(zeroMapping, mappingKey(zeroMapping));
  readonly #links = new DictionaryTable<Link>({ traceId: noBytes, spanId: noBytes }, '');

  // The tables that grow with the number of frames are found by words, not by text.
  readonly #functionIndex = new QuadIndex();
  readonly #functions: FunctionEntry[] = [];
  readonly #lineChains = new QuadIndex();
  readonly #locationIndex = new QuadIndex();
  readonly #locations: Location[] = [];
  readonly #stackChains = new QuadIndex();
  readonly #stackByChain = new Map<number, number>([[0, 0]]);
  readonly #stacks: Stack[] = [{ locationIndices: [] }];

  constructor() {
    this.internFunction('', '', '', 0);
    this.#lineChains.intern(0, 0, 0, 0);
    this.#locationIndex.intern(0, 0, 0, 0);
    this.#locations.push({ mappingIndex: 0, address: 0n, lines: [], attributeIndices: [] });
    this.#stackChains.intern(0, 0, 0, 0);
  }

  internString(text: string): number {
    return this.#strings.intern(text, text);
  }

  internAttribute(key: string, value: string | bigint | boolean): number {
    const keyStrindex = this.internString(key);
    const entry = { keyStrindex, value: value as AnyValue, unitStrindex: 0 };
    return this.#attributes.intern(`${keyStrindex} ${typeof value} ${value}`, entry);
  }

  internMapping(mapping: Mapping): number {
    return this.#mappings.intern(mappingKey(mapping), mapping);
  }

  internLink(link: Link): number {
    const key = Buffer.concat([link.traceId, link.spanId]).toString('latin1');
    return this.#links.intern(key, link);
  }

  internFunction(name: string, systemName: string, filename: string, startLine: number): number {
    const nameStrindex = this.internString(name);
    const systemNameStrindex = this.internString(systemName);
    const filenameStrindex = this.internString(filename);
    const index = this.#functionIndex.intern(nameStrindex, systemNameStrindex, filenameStrindex, startLine);
    if (index === this.#functions.length) {
      this.#functions.push({ nameStrindex, systemNameStrindex, filenameStrindex, startLine: BigInt(startLine) });
    }
    return index;
  }

  /** `attributeIndices`: first the frame's type, then at most one more. */
  internLocation(
    mappingIndex: number,
    address: bigint,
    lines: readonly Line[],
    attributeIndices: readonly number[],
  ): number {
    let chain = 0;
    for (const { functionIndex, line, column } of lines) {
      chain = this.#lineChains.intern(functionIndex, Number(line), Number(column), chain);
    }
    // Mappings and lines are far fewer than 2^32 in one window, so one more level makes room for the fourth word.
    const body = this.#lineChains.intern(chain, mappingIndex, attributeIndices[0]!, locationBodyMark);
    const high = Number(address >> 32n);
    const low = Number(address & 0xffff_ffffn);
    const index = this.#locationIndex.intern(high, low, body, 1 + (attributeIndices[1] ?? 0));
    if (index === this.#locations.length) {
      this.#locations.push({ mappingIndex, address, lines, attributeIndices });
    }
    return index;
  }

  internStack(locationIndices: readonly number[]): number {
    let chain = 0;
    for (const location of locationIndices) chain = this.#stackChains.intern(location, chain, 0, 1);
    const known = this.#stackByChain.get(chain);
    if (known !== undefined) return known;
    this.#stackByChain.set(chain, this.#stacks.length);
    return this.#stacks.push({ locationIndices }) - 1;
  }

  build(): ProfilesDictionary {
    return {
      mappingTable: this.#mappings.entries,
      locationTable: this.#locations,
      functionTable: this.#functions,
      linkTable: this.#links.entries,
      stringTable: this.#strings.entries,
      attributeTable: this.#attributes.entries,
      stackTable: this.#stacks,
    };
  }
}

/** In the place of "previous line" of a chain: larger than any chain can be, so that the two kinds never meet. */
const locationBodyMark = 0xffff_ffff;

function mappingKey(mapping: Mapping): string {
  const { memoryStart, memoryLimit, fileOffset, filenameStrindex, attributeIndices } = mapping;
  return `${memoryStart} ${memoryLimit} ${fileOffset} ${filenameStrindex} ${attributeIndices.join(' ')}`;
}

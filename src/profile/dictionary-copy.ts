// hot
import { encodeValue } from '../otlp/encode-attributes.ts';
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
} from '../otlp/profiles-data.ts';
import { ProtobufWriter } from '../otlp/protobuf-writer.ts';
import { QuadIndex } from '../support/quad-index.ts';
import { DictionaryTable, zeroMapping } from './dictionary-table.ts';

/**
 * A dictionary that is written anew from another one: entries that nobody asks for stay behind, equal ones become one, and
 * each is copied once, at the first question for it. All indices of the source must be sound.
 */
export class DictionaryCopy {
  readonly #source: ProfilesDictionary;
  readonly #linesOf: (location: number) => readonly Line[] | undefined;
  // The keys are as the methods below write them: an entry that says nothing is entry 0.
  readonly #strings = new DictionaryTable<string>('', '');
  readonly #attributes = new DictionaryTable<KeyValueAndUnit>(
    { keyStrindex: 0, value: undefined, unitStrindex: 0 },
    '0 0 u',
  );
  readonly #mappings = new DictionaryTable<Mapping>(zeroMapping, '0 0 0 0 ');
  readonly #links = new DictionaryTable<Link>({ traceId: new Uint8Array(0), spanId: new Uint8Array(0) }, ' ');

  // The tables that grow with the number of frames are found by words, not by text.
  readonly #words = new Words();
  readonly #functionIndex = new QuadIndex();
  readonly #functions: FunctionEntry[] = [zeroFunction];
  readonly #chains = new QuadIndex();
  readonly #locationIndex = new QuadIndex();
  readonly #locations: Location[] = [zeroLocation];
  readonly #stackByChain = new Map<number, number>([[0, 0]]);
  readonly #stacks: Stack[] = [{ locationIndices: [] }];
  readonly #copied: Readonly<Record<keyof ProfilesDictionary, Int32Array>>;

  /** `linesOf` gives the lines of a source location that has none, on functions of this copy. */
  constructor(source: ProfilesDictionary, linesOf: (location: number) => readonly Line[] | undefined) {
    this.#source = source;
    this.#linesOf = linesOf;
    this.#functionIndex.intern(0, 0, 0, 0);
    this.#chains.intern(0, 0, 0, 0);
    this.#locationIndex.intern(0, 0, this.#bodyOf(zeroLocation), 0);
    const unset = (entries: readonly unknown[]): Int32Array => new Int32Array(entries.length).fill(-1);
    this.#copied = {
      mappingTable: unset(source.mappingTable),
      locationTable: unset(source.locationTable),
      functionTable: unset(source.functionTable),
      linkTable: unset(source.linkTable),
      stringTable: unset(source.stringTable),
      attributeTable: unset(source.attributeTable),
      stackTable: unset(source.stackTable),
    };
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

  string(index: number): number {
    return (
      this.#once('stringTable', index) ?? this.#keep('stringTable', index, this.text(this.#source.stringTable[index]!))
    );
  }

  /** A text that the source need not have. */
  text(text: string): number {
    return this.#strings.intern(text, text);
  }

  attributes(indices: readonly number[]): readonly number[] {
    return indices.map((index) => this.#attribute(index));
  }

  link(index: number): number {
    const known = this.#once('linkTable', index);
    if (known !== undefined) return known;
    const link = this.#source.linkTable[index]!;
    const key = `${Buffer.from(link.traceId).toString('hex')} ${Buffer.from(link.spanId).toString('hex')}`;
    return this.#keep('linkTable', index, this.#links.intern(key, link));
  }

  stack(index: number): number {
    const known = this.#once('stackTable', index);
    if (known !== undefined) return known;
    const locationIndices = this.#source.stackTable[index]!.locationIndices.map((location) => this.#location(location));
    let chain = 0;
    for (const location of locationIndices) chain = this.#chains.intern(location, chain, 0, stackMark);
    const same = this.#stackByChain.get(chain);
    if (same !== undefined) return this.#keep('stackTable', index, same);
    this.#stackByChain.set(chain, this.#stacks.length);
    return this.#keep('stackTable', index, this.#stacks.push({ locationIndices }) - 1);
  }

  /** A function that the source need not have. */
  functionNamed(entry: FunctionEntry): number {
    const { nameStrindex, systemNameStrindex, filenameStrindex, startLine } = entry;
    const line = this.#words.of(startLine);
    const index = this.#functionIndex.intern(nameStrindex, systemNameStrindex, filenameStrindex, line);
    if (index === this.#functions.length) this.#functions.push(entry);
    return index;
  }

  #attribute(index: number): number {
    const known = this.#once('attributeTable', index);
    if (known !== undefined) return known;
    const { keyStrindex, unitStrindex, value } = this.#source.attributeTable[index]!;
    const entry = { keyStrindex: this.string(keyStrindex), value, unitStrindex: this.string(unitStrindex) };
    const key = `${entry.keyStrindex} ${entry.unitStrindex} ${valueKey(value)}`;
    return this.#keep('attributeTable', index, this.#attributes.intern(key, entry));
  }

  #mapping(index: number): number {
    const known = this.#once('mappingTable', index);
    if (known !== undefined) return known;
    const { memoryStart, memoryLimit, fileOffset, ...rest } = this.#source.mappingTable[index]!;
    const filenameStrindex = this.string(rest.filenameStrindex);
    const attributeIndices = this.attributes(rest.attributeIndices);
    const key = `${memoryStart} ${memoryLimit} ${fileOffset} ${filenameStrindex} ${setKey(attributeIndices)}`;
    const entry = { memoryStart, memoryLimit, fileOffset, filenameStrindex, attributeIndices };
    return this.#keep('mappingTable', index, this.#mappings.intern(key, entry));
  }

  #function(index: number): number {
    const known = this.#once('functionTable', index);
    if (known !== undefined) return known;
    const entry = this.#source.functionTable[index]!;
    const copy = this.functionNamed({
      nameStrindex: this.string(entry.nameStrindex),
      systemNameStrindex: this.string(entry.systemNameStrindex),
      filenameStrindex: this.string(entry.filenameStrindex),
      startLine: entry.startLine,
    });
    return this.#keep('functionTable', index, copy);
  }

  #location(index: number): number {
    const known = this.#once('locationTable', index);
    if (known !== undefined) return known;
    const { address, ...source } = this.#source.locationTable[index]!;
    const mappingIndex = this.#mapping(source.mappingIndex);
    const attributeIndices = this.attributes(source.attributeIndices);
    const lines =
      source.lines.length === 0
        ? (this.#linesOf(index) ?? source.lines)
        : source.lines.map(({ functionIndex, line, column }) => ({
            functionIndex: this.#function(functionIndex),
            line,
            column,
          }));
    const entry = { mappingIndex, address, lines, attributeIndices };
    const high = Number(address >> 32n);
    const low = Number(address & 0xffff_ffffn);
    const copy = this.#locationIndex.intern(high, low, this.#bodyOf(entry), 0);
    if (copy === this.#locations.length) this.#locations.push(entry);
    return this.#keep('locationTable', index, copy);
  }

  /** A number for all of a location but its address. */
  #bodyOf({ mappingIndex, lines, attributeIndices }: Location): number {
    let chain = 0;
    for (const { functionIndex, line, column } of lines) {
      chain = this.#chains.intern(functionIndex, this.#words.of(line), this.#words.of(column), chain);
    }
    const attributes =
      attributeIndices.length === 1 ? attributeIndices[0]! : this.#words.ofText(setKey(attributeIndices));
    return this.#chains.intern(chain, mappingIndex, attributes, bodyMark);
  }

  /** The index of an entry that was copied before; 0 is 0, also where the source has no such entry. */
  #once(table: keyof ProfilesDictionary, index: number): number | undefined {
    if (index === 0) return 0;
    const copied = this.#copied[table][index]!;
    return copied < 0 ? undefined : copied;
  }

  #keep(table: keyof ProfilesDictionary, index: number, copied: number): number {
    this.#copied[table][index] = copied;
    return copied;
  }
}

const zeroFunction: FunctionEntry = { nameStrindex: 0, systemNameStrindex: 0, filenameStrindex: 0, startLine: 0n };
const zeroLocation: Location = { mappingIndex: 0, address: 0n, lines: [], attributeIndices: [] };

// In the place of "previous line" of a chain, and larger than any chain can be: the three kinds never meet.
const bodyMark = 0xffff_ffff;
const stackMark = 0xffff_fffe;

/** Words of 32 bits for what need not fit into one: equal for equal values only. */
class Words {
  readonly #large = new Map<bigint | string, number>();

  /** The number itself where it has 31 bits, as lines have. */
  of(value: bigint): number {
    return value >= 0n && value < 0x8000_0000n ? Number(value) : this.#largeWord(value);
  }

  /** Beyond 31 bits, where no index is. */
  ofText(text: string): number {
    return this.#largeWord(text);
  }

  #largeWord(value: bigint | string): number {
    const word = this.#large.get(value) ?? 0x8000_0000 + this.#large.size;
    this.#large.set(value, word);
    return word;
  }
}

/** Attributes are a set: their order makes no difference. */
function setKey(indices: readonly number[]): string {
  return indices.length < 2 ? indices.join() : [...indices].sort((a, b) => a - b).join();
}

/** Equal for equal values only; values of two kinds are never equal. */
function valueKey(value: AnyValue): string {
  if (value === undefined) return 'u';
  if (typeof value === 'string') return `s${value}`;
  if (typeof value === 'bigint') return `i${value}`;
  if (typeof value === 'boolean') return `b${value}`;
  const writer = new ProtobufWriter(64);
  encodeValue(writer, 1, value);
  return `x${Buffer.from(writer.finish()).toString('latin1')}`;
}

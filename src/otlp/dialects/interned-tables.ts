import { encodeValue } from '../encode-attributes.ts';
import { noBytes, noElements } from '../no-elements.ts';
import type {
  AnyValue,
  FunctionEntry,
  KeyValueAndUnit,
  Link,
  Location,
  Mapping,
  ProfilesDictionary,
  Stack,
} from '../profiles-data.ts';
import { ProtobufWriter } from '../protobuf-writer.ts';

/** Tables that hold no value twice: each method adds an entry or finds an equal one, and returns its index. */
export class InternedTables {
  readonly #strings = new Table<string>('', '');
  readonly #attributes = new Table<KeyValueAndUnit>({ keyStrindex: 0, value: undefined, unitStrindex: 0 }, '');
  readonly #functions = new Table<FunctionEntry>(noFunction, functionKey(noFunction));
  readonly #mappings = new Table<Mapping>(noMapping, mappingKey(noMapping));
  readonly #locations = new Table<Location>(noLocation, locationKey(noLocation));
  readonly #links = new Table<Link>({ traceId: noBytes, spanId: noBytes }, ',');
  readonly #stacks = new Table<Stack>({ locationIndices: noElements }, '');

  string(text: string): number {
    return this.#strings.intern(text, text);
  }

  attribute(key: string, value: AnyValue, unit: string): number {
    const entry = { keyStrindex: this.string(key), value, unitStrindex: this.string(unit) };
    return this.#attributes.intern(`${entry.keyStrindex},${entry.unitStrindex},${valueKey(value)}`, entry);
  }

  function(entry: FunctionEntry): number {
    return this.#functions.intern(functionKey(entry), entry);
  }

  mapping(entry: Mapping): number {
    return this.#mappings.intern(mappingKey(entry), entry);
  }

  location(entry: Location): number {
    return this.#locations.intern(locationKey(entry), entry);
  }

  link(entry: Link): number {
    return this.#links.intern(`${entry.traceId},${entry.spanId}`, entry);
  }

  stack(locationIndices: readonly number[]): number {
    return this.#stacks.intern(locationIndices.join(), { locationIndices });
  }

  toDictionary(): ProfilesDictionary {
    return {
      mappingTable: this.#mappings.entries,
      locationTable: this.#locations.entries,
      functionTable: this.#functions.entries,
      linkTable: this.#links.entries,
      stringTable: this.#strings.entries,
      attributeTable: this.#attributes.entries,
      stackTable: this.#stacks.entries,
    };
  }
}

class Table<Entry> {
  readonly entries: Entry[];
  readonly #indexByKey: Map<string, number>;

  constructor(zero: Entry, zeroKey: string) {
    this.entries = [zero];
    this.#indexByKey = new Map([[zeroKey, 0]]);
  }

  intern(key: string, entry: Entry): number {
    const known = this.#indexByKey.get(key);
    if (known !== undefined) return known;
    const index = this.entries.push(entry) - 1;
    this.#indexByKey.set(key, index);
    return index;
  }
}

const noFunction: FunctionEntry = { nameStrindex: 0, systemNameStrindex: 0, filenameStrindex: 0, startLine: 0n };
const noMapping: Mapping = {
  memoryStart: 0n,
  memoryLimit: 0n,
  fileOffset: 0n,
  filenameStrindex: 0,
  attributeIndices: noElements,
};
const noLocation: Location = { mappingIndex: 0, address: 0n, lines: noElements, attributeIndices: noElements };

function functionKey(entry: FunctionEntry): string {
  return [entry.nameStrindex, entry.systemNameStrindex, entry.filenameStrindex, entry.startLine].join();
}

function mappingKey(entry: Mapping): string {
  const { memoryStart, memoryLimit, fileOffset, filenameStrindex, attributeIndices } = entry;
  return [memoryStart, memoryLimit, fileOffset, filenameStrindex, indexSetKey(attributeIndices)].join();
}

function locationKey({ mappingIndex, address, lines, attributeIndices }: Location): string {
  const lineKeys = lines.map(({ functionIndex, line, column }) => `${functionIndex}:${line}:${column}`);
  return [mappingIndex, address, lineKeys.join(';'), indexSetKey(attributeIndices)].join();
}

/** The same text for the same set of attributes. */
export function indexSetKey(indices: readonly number[]): string {
  return indices.length < 2 ? indices.join() : [...indices].sort((a, b) => a - b).join(';');
}

/** Type and value: the integer 1 is not the text "1". */
export function valueKey(value: AnyValue): string {
  if (typeof value === 'string') return `"${value}`;
  const writer = new ProtobufWriter(64);
  encodeValue(writer, 1, value);
  return Buffer.from(writer.finish()).toString('latin1');
}

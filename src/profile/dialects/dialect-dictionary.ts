import type { ProfileType } from '../../model/profile-type.ts';
import type {
  AnyValue,
  FunctionEntry,
  KeyValue,
  KeyValueAndUnit,
  Line,
  Location,
  Profile,
  ProfilesDictionary,
  Sample,
  ValueType,
} from '../../otlp/profiles-data.ts';
import { noElements } from '../../otlp/profiles-data.ts';
import type { Steps } from '../../support/steps.ts';
import type { Dialect, DialectOptions } from './dialect.ts';

const frameTypeKey = 'profile.frame.type';

/** A location takes about a microsecond. */
const locationsAStep = 128;

/**
 * A dictionary whose entries are written as a dialect wants them, each at its index; texts, attributes and functions that
 * the dialect adds follow at the end of their tables. A copy of what profiles use leaves out the rest. Any data is taken: an index that
 * points nowhere stands for nothing.
 */
export class DialectDictionary {
  /** Grows until the last profile was written. */
  readonly tables: ProfilesDictionary;
  readonly #dialect: Dialect;
  readonly #options: DialectOptions;
  readonly #strings: string[];
  readonly #attributes: KeyValueAndUnit[];
  readonly #functions: FunctionEntry[];
  readonly #locations: Location[] = [];
  readonly #addedStrings = new Map<string, number>();
  // Few lists of attributes are shared by many samples and locations; they are found by their indices.
  readonly #sampleAttributes = new Map<string, readonly number[]>();
  readonly #locationAttributes = new Map<string, LocationAttributes>();

  constructor(source: ProfilesDictionary, dialect: Dialect, options: DialectOptions) {
    this.#dialect = dialect;
    this.#options = options;
    this.#strings = [...source.stringTable];
    this.#attributes = source.attributeTable.slice();
    this.#functions = [...source.functionTable];
    this.tables = {
      ...source,
      stringTable: this.#strings,
      attributeTable: this.#attributes,
      functionTable: this.#functions,
      mappingTable: source.mappingTable.map((mapping) => ({
        ...mapping,
        attributeIndices: dialect.mappingAttributes(this.#wholeAttributes(mapping.attributeIndices)).map(indexOf),
      })),
      locationTable: this.#locations,
    };
  }

  /** Writes the locations; to be done before anything else. */
  *writeLocations({ locationTable, mappingTable }: ProfilesDictionary): Steps<void> {
    for (const [i, location] of locationTable.entries()) {
      if (i % locationsAStep === locationsAStep - 1) yield;
      this.#locations.push(this.#location(location, mappingTable));
    }
  }

  /** The sample with the attributes that the dialect keeps. */
  sample(sample: Sample): Sample {
    if (sample.attributeIndices.length === 0) return sample;
    const attributeIndices = memoized(this.#sampleAttributes, sample.attributeIndices.join(), () =>
      this.#attributesOfSample(sample.attributeIndices),
    );
    return { ...sample, attributeIndices };
  }

  /** Attributes of a profile, which no dialect changes. */
  profileAttributes(indices: readonly number[]): readonly number[] {
    return this.#wholeAttributes(indices).map(indexOf);
  }

  /** Sample type and period of a profile. */
  typeOf({ sampleType, periodType, period }: Profile): ProfileType {
    return {
      sampleType: this.#text(sampleType.typeStrindex),
      sampleUnit: this.#text(sampleType.unitStrindex),
      periodType: this.#text(periodType.typeStrindex),
      periodUnit: this.#text(periodType.unitStrindex),
      period,
    };
  }

  valueType(type: string, unit: string): ValueType {
    return { typeStrindex: this.#string(type), unitStrindex: this.#string(unit) };
  }

  #attributesOfSample(indices: readonly number[]): readonly number[] {
    const kept = new Map<string, number>();
    for (const { key, value, index } of this.#wholeAttributes(indices)) {
      const wanted = this.#dialect.sampleAttribute(key, value);
      const name = this.#dialect.attributeKey(key, this.#options);
      if (wanted === undefined || kept.has(name)) continue;
      const isSame = wanted === value && name === key;
      kept.set(name, isSame ? index : this.#addAttribute(name, wanted, index));
    }
    return [...kept.values()].slice(0, this.#dialect.maxSampleAttributes);
  }

  #location(location: Location, mappings: ProfilesDictionary['mappingTable']): Location {
    const { frameType, indices } = memoized(this.#locationAttributes, location.attributeIndices.join(), () =>
      this.#attributesOfLocation(location.attributeIndices),
    );
    const file = this.#text(mappings[location.mappingIndex]?.filenameStrindex ?? 0);
    return {
      mappingIndex: this.#dialect.keepsMapping(frameType, location.address) ? location.mappingIndex : 0,
      address: location.address,
      lines: this.#lines(location, file),
      attributeIndices: indices,
    };
  }

  /** The frame type comes first. */
  #attributesOfLocation(indices: readonly number[]): LocationAttributes {
    const attributes = this.#wholeAttributes(indices);
    const given = attributes.find(({ key }) => key === frameTypeKey);
    const givenType = typeof given?.value === 'string' ? given.value : '';
    const frameType = this.#dialect.frameType(givenType);
    const others = attributes.filter(({ key }) => key !== frameTypeKey).map(indexOf);
    if (frameType === '') return { frameType, indices: others };
    const isKept = given !== undefined && frameType === given.value;
    return { frameType, indices: [isKept ? given.index : this.#addAttribute(frameTypeKey, frameType, 0), ...others] };
  }

  #lines(location: Location, file: string): readonly Line[] {
    const hasName = location.lines.some(({ functionIndex }) => {
      const entry = this.#functions[functionIndex];
      return this.#text(entry?.nameStrindex ?? 0) !== '' || this.#text(entry?.systemNameStrindex ?? 0) !== '';
    });
    const name = hasName ? '' : this.#dialect.namelessFrame(file, location.address);
    if (name === '') return location.lines;
    const entry = { systemNameStrindex: 0, filenameStrindex: 0, startLine: 0n };
    const functionIndex = this.#functions.push({ ...entry, nameStrindex: this.#string(name) }) - 1;
    return [{ functionIndex, line: 0n, column: 0n }];
  }

  /** Attributes that have key and value, each key once: the others are refused by some backends and useless to all. */
  #wholeAttributes(indices: readonly number[]): readonly IndexedAttribute[] {
    if (indices.length === 0) return noElements;
    const byKey = new Map<string, IndexedAttribute>();
    for (const index of indices) {
      const entry = this.#attributes[index];
      const key = this.#text(entry?.keyStrindex ?? 0);
      if (index === 0 || entry === undefined || key === '' || entry.value === undefined || byKey.has(key)) continue;
      byKey.set(key, { key, value: entry.value, index });
    }
    return [...byKey.values()];
  }

  /** Adds an attribute with the unit of the attribute that it replaces. */
  #addAttribute(key: string, value: AnyValue, replaced: number): number {
    const unitStrindex = this.#attributes[replaced]?.unitStrindex ?? 0;
    return this.#attributes.push({ keyStrindex: this.#string(key), value, unitStrindex }) - 1;
  }

  #text(strindex: number): string {
    return strindex === 0 ? '' : (this.#strings[strindex] ?? '');
  }

  #string(text: string): number {
    if (text === '') return 0;
    return memoized(this.#addedStrings, text, () => this.#strings.push(text) - 1);
  }
}

interface LocationAttributes {
  readonly frameType: string;
  readonly indices: readonly number[];
}

interface IndexedAttribute extends KeyValue {
  /** Index in the attribute table. */
  readonly index: number;
}

function indexOf({ index }: IndexedAttribute): number {
  return index;
}

function memoized<Key, Value>(known: Map<Key, Value>, key: Key, compute: () => Value): Value {
  let value = known.get(key);
  if (value === undefined) {
    value = compute();
    known.set(key, value);
  }
  return value;
}

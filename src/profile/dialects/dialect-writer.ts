import { noElements } from '../../otlp/no-elements.ts';
import type { AnyValue, KeyValue, Line, Location, ProfilesDictionary, Sample } from '../../otlp/profiles-data.ts';
import { InternedTables } from '../dictionary/interned-tables.ts';
import { FrameReader } from '../flame/frame-reader.ts';
import type { Dialect } from './dialect.ts';

const frameTypeKey = 'profile.frame.type';

/**
 * Writes what samples use into new tables as a dialect wants it, each entry once. What nobody uses stays behind. An index
 * that points nowhere becomes 0, which stands for nothing.
 */
export class DialectWriter {
  readonly tables: InternedTables = new InternedTables();
  readonly #dialect: Dialect;
  readonly #source: ProfilesDictionary;
  readonly #reader: FrameReader;
  readonly #stacks = new Map<number, number>();
  readonly #locations = new Map<number, number>();
  readonly #mappings = new Map<number, number>();
  readonly #functions = new Map<number, number>();
  // Few sets of attributes are shared by many samples and locations; found by their indices.
  readonly #sampleAttributes = new Map<string, readonly number[]>();
  readonly #locationAttributes = new Map<string, LocationAttributes>();

  constructor(source: ProfilesDictionary, dialect: Dialect) {
    this.#dialect = dialect;
    this.#source = source;
    this.#reader = new FrameReader(source);
  }

  text(strindex: number): string {
    return this.#reader.text(strindex);
  }

  /** The sample with its references in the new tables. */
  sample(sample: Sample): Sample {
    const link = this.#source.linkTable[sample.linkIndex];
    return {
      ...sample,
      stackIndex: this.#stack(sample.stackIndex),
      attributeIndices: memoized(this.#sampleAttributes, sample.attributeIndices.join(), () =>
        this.#attributesOfSample(sample.attributeIndices),
      ),
      linkIndex: link === undefined ? 0 : this.tables.link(link),
    };
  }

  /** Attributes of a profile, which no dialect changes. */
  profileAttributes(indices: readonly number[]): readonly number[] {
    return this.#intern(this.#attributes(indices));
  }

  #attributesOfSample(indices: readonly number[]): readonly number[] {
    const attributes = this.#attributes(indices)
      .map(({ key, value, unit }) => ({ key, value: this.#dialect.sampleAttribute(key, value), unit }))
      .filter(isSet);
    return this.#intern(attributes.slice(0, this.#dialect.maxSampleAttributes));
  }

  #stack(index: number): number {
    return memoized(this.#stacks, index, () => {
      const { locationIndices } = this.#source.stackTable[index] ?? { locationIndices: noElements };
      return this.tables.stack(locationIndices.map((location) => this.#location(location)));
    });
  }

  #location(index: number): number {
    return memoized(this.#locations, index, () => {
      const location = this.#source.locationTable[index];
      return location === undefined || index === 0 ? 0 : this.tables.location(this.#locationOf(location));
    });
  }

  #locationOf(location: Location): Location {
    const { frameType, attributeIndices } = memoized(this.#locationAttributes, location.attributeIndices.join(), () =>
      this.#attributesOfLocation(location.attributeIndices),
    );
    const hasMapping = this.#dialect.keepsMapping(frameType, location.address);
    return {
      mappingIndex: hasMapping ? this.#mapping(location.mappingIndex) : 0,
      address: location.address,
      lines: this.#lines(location),
      attributeIndices,
    };
  }

  #attributesOfLocation(indices: readonly number[]): LocationAttributes {
    const attributes = this.#attributes(indices);
    const given = attributes.find(({ key }) => key === frameTypeKey)?.value;
    const frameType = this.#dialect.frameType(typeof given === 'string' ? given : '');
    const others = attributes.filter(({ key }) => key !== frameTypeKey);
    const type = frameType === '' ? [] : [{ key: frameTypeKey, value: frameType, unit: '' }];
    return { frameType, attributeIndices: this.#intern([...type, ...others]) };
  }

  #lines(location: Location): readonly Line[] {
    const hasName = location.lines.some(({ functionIndex }) => {
      const entry = this.#source.functionTable[functionIndex];
      return this.text(entry?.nameStrindex ?? 0) !== '' || this.text(entry?.systemNameStrindex ?? 0) !== '';
    });
    const file = this.text(this.#source.mappingTable[location.mappingIndex]?.filenameStrindex ?? 0);
    const name = hasName ? '' : this.#dialect.namelessFrame(file, location.address);
    if (name === '') {
      return location.lines.map(({ functionIndex, line, column }) => {
        return { functionIndex: this.#function(functionIndex), line, column };
      });
    }
    const entry = { systemNameStrindex: 0, filenameStrindex: 0, startLine: 0n };
    const functionIndex = this.tables.function({ ...entry, nameStrindex: this.tables.string(name) });
    return [{ functionIndex, line: 0n, column: 0n }];
  }

  #function(index: number): number {
    return memoized(this.#functions, index, () => {
      const entry = this.#source.functionTable[index];
      if (entry === undefined) return 0;
      return this.tables.function({
        nameStrindex: this.#string(entry.nameStrindex),
        systemNameStrindex: this.#string(entry.systemNameStrindex),
        filenameStrindex: this.#string(entry.filenameStrindex),
        startLine: entry.startLine,
      });
    });
  }

  #mapping(index: number): number {
    return memoized(this.#mappings, index, () => {
      const mapping = this.#source.mappingTable[index];
      if (mapping === undefined) return 0;
      const attributes = this.#dialect.mappingAttributes(this.#attributes(mapping.attributeIndices));
      return this.tables.mapping({
        ...mapping,
        filenameStrindex: this.#string(mapping.filenameStrindex),
        attributeIndices: this.#intern(attributes.map((attribute) => ({ unit: '', ...attribute }))),
      });
    });
  }

  #string(index: number): number {
    return this.tables.string(this.text(index));
  }

  /** Those that are whole, each key once: what lacks key or value is refused by some and of no use to any. */
  #attributes(indices: readonly number[]): UnitAttribute[] {
    const byKey = new Map<string, UnitAttribute>();
    for (const index of indices) {
      const entry = this.#source.attributeTable[index];
      const key = this.text(entry?.keyStrindex ?? 0);
      if (entry === undefined || key === '' || entry.value === undefined || byKey.has(key)) continue;
      byKey.set(key, { key, value: entry.value, unit: this.text(entry.unitStrindex) });
    }
    return [...byKey.values()];
  }

  #intern(attributes: readonly UnitAttribute[]): readonly number[] {
    if (attributes.length === 0) return noElements;
    return attributes.map(({ key, value, unit }) => this.tables.attribute(key, value, unit));
  }
}

interface LocationAttributes {
  readonly frameType: string;
  readonly attributeIndices: readonly number[];
}

interface UnitAttribute extends KeyValue {
  readonly unit: string;
}

function isSet({ value }: { readonly value: AnyValue }): boolean {
  return value !== undefined;
}

function memoized<Key, Value>(known: Map<Key, Value>, key: Key, compute: () => Value): Value {
  let value = known.get(key);
  if (value === undefined) {
    value = compute();
    known.set(key, value);
  }
  return value;
}

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type {
  AnyValue,
  Entries,
  KeyValue,
  Profile,
  ProfilesData,
  ScopeProfiles,
} from '../../src/otlp/profiles-data.ts';
import { entryOf } from '../../src/otlp/profiles-data.ts';

/**
 * What profiles say, without how they say it: one line a sample with every index resolved to what it stands for.
 * Order of samples, profiles, attributes and dictionary entries, and the split into messages, do not matter; how often
 * a line occurs does. Stacks and profile headers are named by a digest in the lines; `texts` has them in full.
 */
export interface NormalForm {
  /** Sorted. A profile without samples is a line of its own. */
  readonly lines: readonly string[];
  readonly texts: ReadonlyMap<string, string>;
}

export function normalForm(messages: readonly ProfilesData[]): NormalForm {
  const lines: string[] = [];
  const texts = new Map<string, string>();
  for (const message of messages) {
    const resolver = new Resolver(message, texts);
    for (const { resource, scopeProfiles, schemaUrl } of message.resourceProfiles) {
      const from = { resource: attributesOf(resource.attributes), dropped: resource.droppedAttributesCount, schemaUrl };
      for (const scopeProfile of scopeProfiles) {
        for (const profile of scopeProfile.profiles) lines.push(...resolver.linesOf(profile, scopeProfile, from));
      }
    }
  }
  return { lines: lines.sort(), texts };
}

/** @throws AssertionError with the first differences, in full, unless both say the same. */
export function assertSameProfiles(actual: NormalForm, expected: NormalForm): void {
  const surplus = new Map<string, number>();
  for (const line of actual.lines) surplus.set(line, (surplus.get(line) ?? 0) + 1);
  for (const line of expected.lines) surplus.set(line, (surplus.get(line) ?? 0) - 1);
  const differences = [...surplus].filter(([, count]) => count !== 0);
  if (differences.length === 0) return;
  const shown = differences.slice(0, 4).map(([line, count]) => {
    const texts = count > 0 ? actual.texts : expected.texts;
    const explained = line.replace(/#[0-9a-f]{40}/g, (digest) => texts.get(digest) ?? digest);
    return `${count > 0 ? `${count} too many` : `${-count} missing`}: ${explained}`;
  });
  assert.fail(`${differences.length} lines differ, of ${expected.lines.length}:\n${shown.join('\n')}`);
}

/** Resolves the indices of one message; texts of stacks are made once a message. */
class Resolver {
  readonly #message: ProfilesData;
  readonly #texts: Map<string, string>;
  readonly #stacks = new Map<number, string>();

  constructor(message: ProfilesData, texts: Map<string, string>) {
    this.#message = message;
    this.#texts = texts;
  }

  linesOf(profile: Profile, { scope, schemaUrl }: ScopeProfiles, from: object): string[] {
    const header = this.#digest({
      ...from,
      scope: [scope.name, scope.version, attributesOf(scope.attributes), scope.droppedAttributesCount, schemaUrl],
      sampleType: this.#valueType(profile.sampleType),
      periodType: this.#valueType(profile.periodType),
      period: profile.period,
      time: [profile.timeUnixNano, profile.durationNano],
      profileId: hex(profile.profileId),
      dropped: profile.droppedAttributesCount,
      original: [profile.originalPayloadFormat, hex(profile.originalPayload)],
      attributes: this.#attributes(profile.attributeIndices),
    });
    if (profile.samples.length === 0) return [`profile ${header}: no samples`];
    const { linkTable } = this.#message.dictionary;
    return [...profile.samples].map((sample) => {
      const { traceId, spanId } = entry(linkTable, sample.linkIndex, 'link');
      return text({
        profile: header,
        stack: this.#stack(sample.stackIndex),
        attributes: this.#attributes(sample.attributeIndices),
        link: [hex(traceId), hex(spanId)],
        // As pairs, sorted: the order of observations within a sample says nothing.
        observations: observations(sample.values, sample.timestampsUnixNano),
      });
    });
  }

  #stack(index: number): string {
    let digest = this.#stacks.get(index);
    if (digest === undefined) {
      const stack = entry(this.#message.dictionary.stackTable, index, 'stack');
      digest = this.#digest(stack.locationIndices.map((location) => this.#location(location)));
      this.#stacks.set(index, digest);
    }
    return digest;
  }

  #location(index: number): object {
    const { locationTable, mappingTable, functionTable } = this.#message.dictionary;
    const location = entry(locationTable, index, 'location');
    const mapping = entry(mappingTable, location.mappingIndex, 'mapping');
    return {
      address: location.address,
      mapping: {
        range: [mapping.memoryStart, mapping.memoryLimit, mapping.fileOffset],
        file: this.#string(mapping.filenameStrindex),
        attributes: this.#attributes(mapping.attributeIndices),
      },
      lines: location.lines.map(({ functionIndex, line, column }) => {
        const called = entry(functionTable, functionIndex, 'function');
        const names = [called.nameStrindex, called.systemNameStrindex, called.filenameStrindex];
        return [...names.map((name) => this.#string(name)), called.startLine, line, column];
      }),
      attributes: this.#attributes(location.attributeIndices),
    };
  }

  #attributes(indices: readonly number[]): string[] {
    return indices
      .map((index) => {
        const { keyStrindex, unitStrindex, value } = entry(this.#message.dictionary.attributeTable, index, 'attribute');
        return text([this.#string(keyStrindex), this.#string(unitStrindex), plain(value)]);
      })
      .sort();
  }

  #valueType({ typeStrindex, unitStrindex }: Profile['sampleType']): string {
    return `${this.#string(typeStrindex)}/${this.#string(unitStrindex)}`;
  }

  #string(index: number): string {
    return entry(this.#message.dictionary.stringTable, index, 'string');
  }

  #digest(value: unknown): string {
    const full = text(value);
    const digest = `#${createHash('sha1').update(full).digest('hex')}`;
    this.#texts.set(digest, full);
    return digest;
  }
}

function observations(values: readonly bigint[], timestamps: readonly bigint[]): string[] {
  const count = Math.max(values.length, timestamps.length);
  return Array.from({ length: count }, (_, i) => `${values[i] ?? 'one'} at ${timestamps[i] ?? 'any time'}`).sort();
}

function attributesOf(attributes: readonly KeyValue[]): string[] {
  return attributes.map(({ key, value }) => text([key, plain(value)])).sort();
}

/** Tells the kinds of value apart: 1 and 1.0 and "1" are three things to a backend. */
function plain(value: AnyValue): unknown {
  if (value === undefined) return null;
  if (typeof value === 'bigint') return { int: value };
  if (typeof value === 'number') return { double: String(value) };
  if (value instanceof Uint8Array) return { bytes: hex(value) };
  if (typeof value !== 'object') return value;
  return 'entries' in value && !Array.isArray(value)
    ? { entries: attributesOf((value as { entries: readonly KeyValue[] }).entries) }
    : { array: (value as readonly AnyValue[]).map(plain) };
}

function entry<T>(table: Entries<T>, index: number, name: string): T {
  const found = entryOf(table, index);
  assert.ok(found !== undefined, `${name} index ${index} is out of range [0..${table.length})`);
  return found;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function text(value: unknown): string {
  return JSON.stringify(value, (_, item) => (typeof item === 'bigint' ? `${item}n` : item));
}

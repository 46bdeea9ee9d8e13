import type { AnyValue, KeyValue, Profile, ProfilesData, Sample } from '../../otlp/profiles-data.ts';
import { entryOf } from '../../otlp/profiles-data.ts';
import { attributeText } from './attribute-text.ts';
import type { PprofLabel, PprofProfile, PprofSample } from './pprof-profile.ts';
import { Losses, pprofTables } from './pprof-tables.ts';

export interface PprofOptions {
  /** Makes a sample of each timestamp, with a label `timestamp_ns`; without it timestamps are lost. */
  readonly hasTimestamps: boolean;
}

/** A profile in pprof's format, and the parts of OTLP that it has no place for, with their numbers. */
export interface ConvertedPprof {
  readonly profile: PprofProfile;
  readonly losses: ReadonlyMap<string, number>;
}

/**
 * All profiles of a request as one of pprof, with a sample type for each of theirs; samples of equal stack and labels are one.
 * Indices must be sound and the dictionary without orphans, as `mergeProfiles` leaves it. Of OTLP to pprof the specification
 * says nothing (https://github.com/open-telemetry/opentelemetry-specification/blob/main/specification/profiles/pprof.md):
 * - On-CPU samples (samples/count with period cpu/nanoseconds) get a second type, cpu/nanoseconds: count × period.
 * - Attributes of resources and samples become labels; a sample's own goes before its resource's.
 * - A sample without values counts its timestamps.
 */
export function pprofFromProfiles(data: ProfilesData, options: PprofOptions): ConvertedPprof {
  const writer = new PprofWriter(data, options);
  for (const { resource, scopeProfiles } of data.resourceProfiles) {
    const labels = resource.attributes.map(({ key, value }) => labelOf(key, value, ''));
    for (const { scope, profiles } of scopeProfiles) {
      writer.addScope(scope.attributes);
      for (const profile of profiles) writer.add(profile, labels);
    }
  }
  return writer.finish();
}

interface OpenSample {
  readonly locations: readonly number[];
  readonly labels: readonly PprofLabel[];
  readonly values: Map<string, bigint>;
}

class PprofWriter {
  readonly #data: ProfilesData;
  readonly #hasTimestamps: boolean;
  /** Sample types by `type/unit`, in order. */
  readonly #types = new Map<string, { readonly type: string; readonly unit: string }>();
  readonly #samples = new Map<string, OpenSample>();
  readonly #labelKeys = new Map<string, number>();
  readonly #losses = new Losses();
  readonly #mappingSamples: number[] = [];
  #startUnixNano: bigint | undefined;
  #endUnixNano = 0n;
  #period = 0n;
  #periodType: PprofProfile['periodType'];
  #hasCpuTime = false;
  /** Types of sample types in the order that their scope wants. */
  #typeOrder: readonly string[] = [];
  #defaultSampleType = '';
  readonly #comments = new Set<string>();
  /** First values of the attributes `pprof.profile.doc_url` and the like. */
  readonly #texts = new Map<string, string>();

  constructor(data: ProfilesData, { hasTimestamps }: PprofOptions) {
    this.#data = data;
    this.#hasTimestamps = hasTimestamps;
  }

  addScope(attributes: readonly KeyValue[]): void {
    for (const { key, value } of attributes) {
      if (key === 'pprof.scope.default_sample_type' && typeof value === 'string') this.#defaultSampleType ||= value;
      if (key === 'pprof.scope.sample_type_order' && Array.isArray(value) && this.#typeOrder.length === 0) {
        this.#typeOrder = value.map(attributeText);
      }
    }
  }

  add(profile: Profile, resourceLabels: readonly PprofLabel[]): void {
    const type = this.#valueType(profile.sampleType);
    const periodType = this.#valueType(profile.periodType);
    const typeKey = `${type.type}/${type.unit}`;
    this.#types.set(typeKey, type);
    const isOnCpu = typeKey === 'samples/count' && periodType.type === 'cpu' && periodType.unit === 'nanoseconds';
    if (periodType.type !== '') {
      this.#periodType ??= periodType;
      if (profile.period > this.#period) this.#period = profile.period;
    }
    const { timeUnixNano, durationNano } = profile;
    if (this.#startUnixNano === undefined || timeUnixNano < this.#startUnixNano) this.#startUnixNano = timeUnixNano;
    if (timeUnixNano + durationNano > this.#endUnixNano) this.#endUnixNano = timeUnixNano + durationNano;
    this.#addAttributes(profile.attributeIndices);
    if (profile.profileId.length > 0) this.#losses.add('profile IDs');
    if (profile.originalPayload.length > 0) this.#losses.add('original payloads');
    for (const sample of profile.samples) {
      for (const { value, labels } of this.#parts(sample, resourceLabels)) {
        const values = this.#open(sample.stackIndex, labels).values;
        values.set(typeKey, (values.get(typeKey) ?? 0n) + value);
        if (isOnCpu) values.set(cpuTime, (values.get(cpuTime) ?? 0n) + value * profile.period);
      }
    }
    // The last type, which pprof shows by default.
    if (isOnCpu) this.#hasCpuTime = true;
  }

  finish(): ConvertedPprof {
    if (this.#hasCpuTime && !this.#types.has(cpuTime)) this.#types.set(cpuTime, { type: 'cpu', unit: 'nanoseconds' });
    const order = this.#orderedTypes();
    const samples = [...this.#samples.values()].map(({ locations, labels, values }): PprofSample => {
      return { locations, labels, values: order.map((key) => values.get(key) ?? 0n) };
    });
    const { dictionary } = this.#data;
    const unknown = dictionary.locationTable.length;
    const hasUnknown = samples.some((sample) => sample.locations.includes(unknown));
    const { mappings, locations, functions } = pprofTables(dictionary, hasUnknown, this.#losses);
    const isMoved = this.#mainMapping();
    const moved = (mapping: number): number => isMoved.get(mapping) ?? mapping;
    const profile: PprofProfile = {
      sampleTypes: order.map((key) => this.#types.get(key)!),
      samples,
      mappings: mappings.map((_, index) => mappings[moved(index)]!),
      locations: locations.map((location) => ({ ...location, mapping: moved(location.mapping) })),
      functions,
      timeUnixNano: this.#startUnixNano ?? 0n,
      durationNano: this.#startUnixNano === undefined ? 0n : this.#endUnixNano - this.#startUnixNano,
      periodType: this.#periodType,
      period: this.#period,
      comments: [...this.#comments],
      defaultSampleType: this.#defaultSampleType || (this.#hasCpuTime ? 'cpu' : ''),
      dropFrames: this.#texts.get('drop_frames') ?? '',
      keepFrames: this.#texts.get('keep_frames') ?? '',
      docUrl: this.#texts.get('doc_url') ?? '',
    };
    return { profile, losses: this.#losses.counts };
  }

  #addAttributes(indices: readonly number[]): void {
    const { attributeTable } = this.#data.dictionary;
    for (const index of indices) {
      const { keyStrindex, value } = attributeTable[index]!;
      const key = this.#text(keyStrindex);
      if (key === 'pprof.profile.comment') {
        for (const each of Array.isArray(value) ? value : [value]) this.#comments.add(attributeText(each));
      } else if (key.startsWith('pprof.profile.')) {
        const name = key.slice('pprof.profile.'.length);
        if (!this.#texts.has(name)) this.#texts.set(name, attributeText(value));
      } else this.#losses.add('attributes of profiles');
    }
  }

  /** Keys of the sample types: first the types that their scope orders, then the rest as they came. */
  #orderedTypes(): string[] {
    const place = (key: string): number => {
      const at = this.#typeOrder.indexOf(this.#types.get(key)!.type);
      return at < 0 ? this.#typeOrder.length : at;
    };
    return [...this.#types.keys()].sort((a, b) => place(a) - place(b));
  }

  /** The sample as a whole, or one part for each timestamp. */
  #parts(
    sample: Sample,
    resourceLabels: readonly PprofLabel[],
  ): readonly { readonly value: bigint; readonly labels: readonly PprofLabel[] }[] {
    const { values, timestampsUnixNano } = sample;
    const labels = this.#labels(sample, resourceLabels);
    if (this.#hasTimestamps && timestampsUnixNano.length > 0) {
      return timestampsUnixNano.map((time, index) => ({
        value: values[index] ?? 1n,
        labels: [...labels, { key: 'timestamp_ns', number: time, unit: 'nanoseconds' }],
      }));
    }
    if (timestampsUnixNano.length > 0)
      this.#losses.add('timestamps (--timestamps keeps them)', timestampsUnixNano.length);
    const count = BigInt(timestampsUnixNano.length || 1);
    return [{ value: values.length > 0 ? values.reduce((sum, value) => sum + value, 0n) : count, labels }];
  }

  #labels(sample: Sample, resourceLabels: readonly PprofLabel[]): PprofLabel[] {
    const { attributeTable, linkTable } = this.#data.dictionary;
    const labels = new Map(resourceLabels.map((label) => [label.key, label]));
    for (const index of sample.attributeIndices) {
      const { keyStrindex, value, unitStrindex } = attributeTable[index]!;
      const key = this.#text(keyStrindex);
      labels.set(key, labelOf(key, value, this.#text(unitStrindex)));
    }
    const link = linkTable[sample.linkIndex];
    if (sample.linkIndex !== 0 && link !== undefined) {
      labels.set('trace_id', { key: 'trace_id', text: Buffer.from(link.traceId).toString('hex') });
      labels.set('span_id', { key: 'span_id', text: Buffer.from(link.spanId).toString('hex') });
    }
    const told = [...labels.values()].filter((label) => !('text' in label) || label.text !== '');
    // pprof takes a label without a text for none.
    if (told.length < labels.size) this.#losses.add('attributes with an empty value', labels.size - told.length);
    return told;
  }

  #open(stackIndex: number, labels: readonly PprofLabel[]): OpenSample {
    const labelKey = JSON.stringify(labels, (_, value) => (typeof value === 'bigint' ? `${value}n` : value));
    const labelSet = this.#labelKeys.get(labelKey) ?? this.#labelKeys.size;
    this.#labelKeys.set(labelKey, labelSet);
    const key = `${stackIndex} ${labelSet}`;
    let sample = this.#samples.get(key);
    if (sample === undefined) {
      const { stackTable, locationTable } = this.#data.dictionary;
      // pprof has no location 0: a frame of which nothing is known is one more at the end.
      const locations = stackTable.at(stackIndex)!.locationIndices.map((index) => index || locationTable.length);
      sample = { locations, labels, values: new Map() };
      this.#samples.set(key, sample);
      const root = entryOf(locationTable, locations.at(-1) ?? 0)?.mappingIndex ?? 0;
      this.#mappingSamples[root] = (this.#mappingSamples[root] ?? 0) + 1;
    }
    return sample;
  }

  /** pprof calls a profile by its first mapping: the one that most stacks begin in changes places with the first. */
  #mainMapping(): ReadonlyMap<number, number> {
    const counts = this.#mappingSamples
      .map((count, mapping) => ({ mapping, count }))
      .filter(({ mapping }) => mapping > 0);
    const main = counts.reduce((a, b) => (b.count > a.count ? b : a), { mapping: 1, count: 0 }).mapping;
    return new Map([
      [1, main],
      [main, 1],
    ]);
  }

  #valueType({ typeStrindex, unitStrindex }: Profile['sampleType']): { type: string; unit: string } {
    return { type: this.#text(typeStrindex), unit: this.#text(unitStrindex) };
  }

  #text(index: number): string {
    return this.#data.dictionary.stringTable.at(index)!;
  }
}

const cpuTime = 'cpu/nanoseconds';
const unitNames: Readonly<Record<string, string>> = {
  ns: 'nanoseconds',
  us: 'microseconds',
  ms: 'milliseconds',
  s: 'seconds',
  By: 'bytes',
};

/**
 * pprof drops a label of 0 without a unit, and takes the key for the unit of a number without one: so it is written there.
 */
function labelOf(key: string, value: AnyValue, unit: string): PprofLabel {
  if (typeof value === 'bigint') return { key, number: value, unit: unitNames[unit] ?? (unit || key) };
  return { key, text: attributeText(value) };
}

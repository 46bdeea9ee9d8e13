import type { AnyValue, KeyValue, Profile, ProfilesData, ResourceProfiles, Sample } from '../../otlp/profiles-data.ts';
import { noBytes } from '../../otlp/profiles-data.ts';
import { attributeNames } from '../attribute-names.ts';
import { InternedDictionary } from '../dictionary/dictionary.ts';
import type { PprofLabel, PprofMapping, PprofProfile, PprofSample, PprofValueType } from './pprof-profile.ts';
import { htlHashPrefix } from './pprof-profile.ts';

/**
 * A pprof profile as OTLP: a profile for each sample type. On-CPU time that is the number of samples times the period is told by
 * the period alone. Labels with names of resource attributes (`service.name`, `process.pid`) make resources.
 */
export function profilesFromPprof(profile: PprofProfile): ProfilesData {
  return new ProfilesWriter(profile).build();
}

// Namespaces of attributes that describe a resource (https://opentelemetry.io/docs/specs/semconv/resource/).
const resourceKey = /^(?:service|process|host|container|k8s|os|cloud|deployment|telemetry)\./;

interface ResourceSamples {
  readonly attributes: readonly KeyValue[];
  readonly samples: PprofSample[];
}

class ProfilesWriter {
  readonly #pprof: PprofProfile;
  readonly #dictionary = new InternedDictionary();
  readonly #mappings: number[];
  readonly #locations: number[];

  constructor(pprof: PprofProfile) {
    this.#pprof = pprof;
    this.#mappings = pprof.mappings.map((mapping, index) => (index === 0 ? 0 : this.#mapping(mapping)));
    this.#locations = pprof.locations.map((_, index) => (index === 0 ? 0 : this.#location(index)));
  }

  build(): ProfilesData {
    const derived = this.#derivedType();
    const types = this.#pprof.sampleTypes
      .map((type, index) => ({ type, index }))
      .filter(({ index }) => index !== derived);
    const resourceProfiles = this.#resources().map(({ attributes, samples }): ResourceProfiles => {
      const profiles = types.map(({ type, index }) => this.#profile(type, index, samples));
      return {
        resource: { attributes, droppedAttributesCount: 0 },
        scopeProfiles: [{ scope: this.#scope(derived), profiles, schemaUrl: '' }],
        schemaUrl: '',
      };
    });
    return { resourceProfiles, dictionary: this.#dictionary.tables };
  }

  /** Index of the sample type cpu/nanoseconds where samples/count times the period says the same; -1 otherwise. */
  #derivedType(): number {
    const { sampleTypes, samples, periodType, period } = this.#pprof;
    const indexOf = (wanted: string): number => sampleTypes.findIndex(({ type, unit }) => `${type}/${unit}` === wanted);
    const [count, time] = [indexOf('samples/count'), indexOf('cpu/nanoseconds')];
    const isCpu = periodType?.type === 'cpu' && periodType.unit === 'nanoseconds';
    if (count < 0 || time < 0 || !isCpu) return -1;
    return samples.every(({ values }) => values[time] === values[count]! * period) ? time : -1;
  }

  #resources(): Iterable<ResourceSamples> & { map<T>(create: (entry: ResourceSamples) => T): T[] } {
    const resources = new Map<string, ResourceSamples>();
    for (const sample of this.#pprof.samples) {
      const attributes = sample.labels.filter(({ key }) => resourceKey.test(key));
      const key = JSON.stringify(
        attributes.map((label) => [label.key, 'text' in label ? label.text : `${label.number}n`]),
      );
      let entry = resources.get(key);
      if (entry === undefined) {
        entry = { attributes: attributes.map((label) => ({ key: label.key, value: labelValue(label) })), samples: [] };
        resources.set(key, entry);
      }
      entry.samples.push(sample);
    }
    return [...resources.values()];
  }

  #profile(type: PprofValueType, typeIndex: number, samples: readonly PprofSample[]): Profile {
    const { timeUnixNano, durationNano, periodType, period } = this.#pprof;
    return {
      sampleType: this.#valueType(type),
      samples: samples
        .filter(({ values }) => values[typeIndex] !== 0n)
        .map((sample) => this.#sample(sample, sample.values[typeIndex]!)),
      timeUnixNano,
      durationNano,
      periodType: this.#valueType(periodType ?? { type: '', unit: '' }),
      period,
      profileId: noBytes,
      droppedAttributesCount: 0,
      originalPayloadFormat: '',
      originalPayload: noBytes,
      attributeIndices: this.#profileAttributes(),
    };
  }

  #sample({ locations, labels }: PprofSample, value: bigint): Sample {
    const traceId = textLabel(labels, 'trace_id', 32);
    const spanId = textLabel(labels, 'span_id', 16);
    const hasLink = traceId !== undefined && spanId !== undefined;
    const own = labels.filter(({ key }) => !resourceKey.test(key) && !(hasLink && /^(?:trace|span)_id$/.test(key)));
    return {
      stackIndex: this.#dictionary.stack(locations.map((index) => this.#locations[index]!)),
      attributeIndices: own.map((label) => {
        const unit = 'number' in label && label.unit !== label.key ? label.unit : '';
        return this.#dictionary.attribute(label.key, labelValue(label), unit);
      }),
      linkIndex: hasLink
        ? this.#dictionary.link({ traceId: Buffer.from(traceId, 'hex'), spanId: Buffer.from(spanId, 'hex') })
        : 0,
      values: [value],
      timestampsUnixNano: [],
    };
  }

  #scope(derivedType: number): ResourceProfiles['scopeProfiles'][number]['scope'] {
    const { defaultSampleType, sampleTypes } = this.#pprof;
    const attributes: KeyValue[] = [];
    // The order means something to pprof where there are several; what the period tells is written anew.
    if (sampleTypes.length > 1 && derivedType < 0) {
      const order = sampleTypes.map(({ type }) => type);
      attributes.push({ key: 'pprof.scope.sample_type_order', value: order });
      if (defaultSampleType !== '') {
        attributes.push({ key: 'pprof.scope.default_sample_type', value: defaultSampleType });
      }
    }
    return { name: '', version: '', attributes, droppedAttributesCount: 0 };
  }

  #profileAttributes(): number[] {
    const { comments, docUrl, dropFrames, keepFrames } = this.#pprof;
    const values: readonly (readonly [string, AnyValue])[] = [
      ['comment', comments.length === 0 ? '' : comments],
      ['doc_url', docUrl],
      ['drop_frames', dropFrames],
      ['keep_frames', keepFrames],
    ];
    return values
      .filter(([, value]) => value !== '')
      .map(([name, value]) => this.#dictionary.attribute(`pprof.profile.${name}`, value));
  }

  #mapping(mapping: PprofMapping): number {
    const { start, limit, offset, file, buildId } = mapping;
    const attributes: [string, AnyValue][] = [
      ['pprof.mapping.has_functions', mapping.hasFunctions],
      ['pprof.mapping.has_filenames', mapping.hasFilenames],
      ['pprof.mapping.has_line_numbers', mapping.hasLineNumbers],
      ['pprof.mapping.has_inline_frames', mapping.hasInlineFrames],
    ];
    if (buildId !== '') attributes.push(buildIdAttribute(buildId));
    return this.#dictionary.mapping({
      memoryStart: start,
      memoryLimit: limit,
      fileOffset: offset,
      filenameStrindex: this.#dictionary.string(file),
      attributeIndices: attributes.map(([key, value]) => this.#dictionary.attribute(key, value)),
    });
  }

  #location(index: number): number {
    const { mapping, address, lines, isFolded } = this.#pprof.locations[index]!;
    return this.#dictionary.location({
      mappingIndex: this.#mappings[mapping]!,
      address,
      lines: lines.map(({ function: id, line, column }) => {
        const { name, systemName, file, startLine } = this.#pprof.functions[id]!;
        return { functionIndex: this.#dictionary.function(name, systemName, file, startLine), line, column };
      }),
      attributeIndices: isFolded ? [this.#dictionary.attribute('pprof.location.is_folded', true)] : [],
    });
  }

  #valueType({ type, unit }: PprofValueType): Profile['sampleType'] {
    return { typeStrindex: this.#dictionary.string(type), unitStrindex: this.#dictionary.string(unit) };
  }
}

function labelValue(label: PprofLabel): AnyValue {
  return 'text' in label ? label.text : label.number;
}

/** pprof has one build ID of any kind: a GNU one is hexadecimal, and `pprofFromProfiles` marks an htlhash. */
function buildIdAttribute(buildId: string): [string, string] {
  if (buildId.startsWith(htlHashPrefix)) return [attributeNames.htlHash, buildId.slice(htlHashPrefix.length)];
  return [/^(?:[0-9a-f]{2}){4,64}$/i.test(buildId) ? attributeNames.gnuBuildId : attributeNames.goBuildId, buildId];
}

function textLabel(labels: readonly PprofLabel[], key: string, length: number): string | undefined {
  const label = labels.find((each) => each.key === key);
  const text = label !== undefined && 'text' in label ? label.text : '';
  return text.length === length && /^[0-9a-f]+$/.test(text) ? text : undefined;
}

import fc from 'fast-check';
import type { Line, Profile, ProfilesData, Sample } from '../../src/otlp/profiles-data.ts';
import { InternedDictionary } from '../../src/profile/dictionary/dictionary.ts';

const startUnixNano = 1_767_225_600_000_000_000n;
/** Later than the start by more nanoseconds than a request has samples: parts that begin later still hold it. */
const firstUnixNano = startUnixNano + 10_000n;
const noBytes = new Uint8Array(0);

/** A frame in few words, so that stacks share frames, functions and strings, within a request and between requests. */
const frame = fc.record({ name: fc.nat(12), file: fc.nat(5), address: fc.nat(30), inlined: fc.nat(2) });
const stack = fc.array(frame, { minLength: 1, maxLength: 6 });
const sample = fc.record({
  stack,
  thread: fc.nat(4),
  link: fc.nat(2),
  moments: fc.integer({ min: 1, max: 4 }),
  label: fc.constantFrom('', 'a', 'é'.repeat(70)),
});
const profile = fc.record({
  samples: fc.array(sample, { maxLength: 12 }),
  hasValues: fc.boolean(),
  type: fc.constantFrom('samples', 'events'),
  hasId: fc.boolean(),
  payloadBytes: fc.constantFrom(0, 0, 0, 300),
});
const scope = fc.record({
  name: fc.constantFrom('a', 'b'),
  profiles: fc.array(profile, { minLength: 1, maxLength: 3 }),
});
const resource = fc.record({
  service: fc.constantFrom('shop', 'till', 's'.repeat(130)),
  isReversed: fc.boolean(),
  scopes: fc.array(scope, { minLength: 1, maxLength: 3 }),
});

/** Requests without a fault, as `checkConformance` judges; few or many samples. */
export const arbitraryRequest: fc.Arbitrary<ProfilesData> = fc
  .array(resource, { minLength: 1, maxLength: 3 })
  .map((description) => build(description));

/** A request without the fields that the parts of a profile do not share: ID, start and original payload. The end stays. */
export function withoutIdentity(data: ProfilesData): ProfilesData {
  const resourceProfiles = data.resourceProfiles.map((resource) => ({
    ...resource,
    scopeProfiles: resource.scopeProfiles.map((scope) => ({
      ...scope,
      profiles: scope.profiles.map((whole) => ({
        ...whole,
        profileId: noBytes,
        timeUnixNano: 0n,
        durationNano: whole.timeUnixNano + whole.durationNano,
        originalPayloadFormat: '',
        originalPayload: noBytes,
      })),
    })),
  }));
  return { ...data, resourceProfiles };
}

function build(
  resources: readonly {
    service: string;
    isReversed: boolean;
    scopes: readonly { name: string; profiles: readonly ProfileDescription[] }[];
  }[],
): ProfilesData {
  const dictionary = new InternedDictionary();
  let profileCount = 0;
  const resourceProfiles = resources.map(({ service, isReversed, scopes }) => {
    const attributes = [
      { key: 'service.name', value: service },
      { key: 'process.pid', value: 7n },
    ];
    if (isReversed) attributes.reverse();
    return {
      resource: { attributes, droppedAttributesCount: 0 },
      scopeProfiles: scopes.map(({ name, profiles }) => ({
        scope: { name, version: '', attributes: [], droppedAttributesCount: 0 },
        profiles: profiles.map((description) => buildProfile(description, ++profileCount, dictionary)),
        schemaUrl: '',
      })),
      schemaUrl: 'https://opentelemetry.io/schemas/1.44.0',
    };
  });
  return { resourceProfiles, dictionary: dictionary.tables };
}

type ProfileDescription = typeof profile extends fc.Arbitrary<infer T> ? T : never;
type SampleDescription = typeof sample extends fc.Arbitrary<infer T> ? T : never;

function buildProfile(description: ProfileDescription, number: number, dictionary: InternedDictionary): Profile {
  const { samples, hasValues, type, hasId, payloadBytes } = description;
  const unit = dictionary.string('count');
  const built = new Map<string, Sample>();
  for (const one of samples) {
    const entry = buildSample(one, hasValues, dictionary);
    const identity = `${entry.stackIndex} ${entry.attributeIndices} ${entry.linkIndex}`;
    if (!built.has(identity)) built.set(identity, entry);
  }
  return {
    sampleType: { typeStrindex: dictionary.string(type), unitStrindex: unit },
    samples: [...built.values()],
    timeUnixNano: startUnixNano,
    durationNano: 5_000_000_000n,
    periodType: { typeStrindex: dictionary.string('cpu'), unitStrindex: dictionary.string('nanoseconds') },
    period: 50_000_000n,
    profileId: hasId ? new Uint8Array(16).fill(number) : noBytes,
    droppedAttributesCount: 0,
    originalPayloadFormat: payloadBytes > 0 ? 'jfr' : '',
    originalPayload: new Uint8Array(payloadBytes).fill(number),
    attributeIndices: number % 3 === 0 ? [dictionary.attribute('kind', type)] : [],
  };
}

function buildSample(description: SampleDescription, hasValues: boolean, dictionary: InternedDictionary): Sample {
  const { stack, thread, link, moments, label } = description;
  const frameType = (kind: string): number => dictionary.attribute('profile.frame.type', kind);
  const locations = stack.map(({ name, file, address, inlined }) => {
    const lines = Array.from({ length: inlined }, (_, depth): Line => {
      const functionIndex = dictionary.function(`f${name + depth}`, '', `file${file}.c`, BigInt(name));
      return { functionIndex, line: BigInt(name + 1), column: 0n };
    });
    const filenameStrindex = dictionary.string(`/lib/${file}.so`);
    const id = dictionary.attribute('process.executable.build_id.gnu', `0${file}`);
    const place = { memoryStart: 0n, memoryLimit: 0n, fileOffset: 0n };
    const mapping = dictionary.mapping({ ...place, filenameStrindex, attributeIndices: [id] });
    return dictionary.location({
      mappingIndex: mapping,
      address: BigInt(address + 1),
      lines,
      attributeIndices: [frameType(file % 2 ? 'native' : 'cpython')],
    });
  });
  const stackIndex = dictionary.stack(locations);
  const attributeIndices = [dictionary.attribute('thread.id', BigInt(thread))];
  if (label !== '') attributeIndices.push(dictionary.attribute('label', label));
  const traceId = new Uint8Array(16).fill(link);
  const linkIndex = link === 0 ? 0 : dictionary.link({ traceId, spanId: new Uint8Array(8).fill(link) });
  const timestampsUnixNano = Array.from({ length: moments }, (_, i) => firstUnixNano + BigInt(thread + i));
  const values = hasValues ? timestampsUnixNano.map((_, i) => BigInt(i * 1000)) : [];
  return { stackIndex, attributeIndices, linkIndex, values, timestampsUnixNano };
}

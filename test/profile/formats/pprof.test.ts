import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { InvalidMessage } from '../../../src/model/invalid-message.ts';
import type { ProfilesData } from '../../../src/otlp/profiles-data.ts';
import { decodeProfilesData } from '../../../src/otlp/protobuf/decode-profiles-data.ts';
import { encodeProfilesData } from '../../../src/otlp/protobuf/encode-profiles-data.ts';
import { checkConformance } from '../../../src/profile/check/check-conformance.ts';
import { decodePprof, isPprof } from '../../../src/profile/formats/decode-pprof.ts';
import { encodePprof } from '../../../src/profile/formats/encode-pprof.ts';
import { pprofFromProfiles } from '../../../src/profile/formats/pprof-from-profiles.ts';
import type { PprofProfile } from '../../../src/profile/formats/pprof-profile.ts';
import { profilesFromPprof } from '../../../src/profile/formats/profiles-from-pprof.ts';
import { mergeProfiles } from '../../../src/profile/join/profiles-joiner.ts';
import { goodProfiles } from '../../otlp/good-profiles.ts';
import { readProtoFile } from '../../support/proto-file.ts';

function toPprof(data: ProfilesData, hasTimestamps = false): PprofProfile {
  return pprofFromProfiles(mergeProfiles([data]), { hasTimestamps }).profile;
}

/** Samples with everything that both formats can hold, in an order of their own. */
function observations({ resourceProfiles, dictionary }: ProfilesData): string[] {
  const text = (index: number): string => dictionary.stringTable.at(index)!;
  return resourceProfiles
    .flatMap(({ resource, scopeProfiles }) =>
      scopeProfiles.flatMap(({ profiles }) =>
        profiles.flatMap(({ sampleType, period, periodType, samples }) =>
          [...samples].map(({ stackIndex, attributeIndices, linkIndex, values, timestampsUnixNano }) => {
            const value = values.length > 0 ? values.reduce((a, b) => a + b) : BigInt(timestampsUnixNano.length || 1);
            const stack = dictionary.stackTable.at(stackIndex)!.locationIndices.map((index) => {
              const { address, lines, mappingIndex } = dictionary.locationTable.at(index)!;
              const called = lines.map(({ functionIndex, line, column }) => {
                const { nameStrindex, filenameStrindex, startLine } = dictionary.functionTable.at(functionIndex)!;
                return `${text(nameStrindex)} ${text(filenameStrindex)}:${line}:${column}(${startLine})`;
              });
              const { filenameStrindex, memoryStart, attributeIndices } = dictionary.mappingTable[mappingIndex]!;
              const buildId = attributeIndices
                .map((each) => dictionary.attributeTable[each]!)
                .filter(({ keyStrindex }) => text(keyStrindex).startsWith('process.executable.build_id.'))
                .map(({ keyStrindex, value: id }) => `${text(keyStrindex)}=${id}`)[0];
              return `${address} ${text(filenameStrindex)}@${memoryStart} ${buildId ?? ''} ${called}`;
            });
            const attributes = attributeIndices.map((index) => {
              const { keyStrindex, value: of, unitStrindex } = dictionary.attributeTable[index]!;
              return `${text(keyStrindex)}=${of}${text(unitStrindex)}`;
            });
            const link = Buffer.from(dictionary.linkTable[linkIndex]!.traceId).toString('hex');
            const type = `${text(sampleType.typeStrindex)}/${text(sampleType.unitStrindex)}`;
            const of = resource.attributes.map((each) => `${each.key}=${each.value}`).sort();
            return `${of}|${type} ${text(periodType.typeStrindex)} ${period}|${stack}|${attributes.sort()}|${link}|${value}`;
          }),
        ),
      ),
    )
    .sort();
}

/** Equal samples of several requests as one: pprof has no times that would keep them apart. */
function summed(data: ProfilesData): string[] {
  const sums = new Map<string, bigint>();
  for (const line of observations(data)) {
    const at = line.lastIndexOf('|');
    sums.set(line.slice(0, at), (sums.get(line.slice(0, at)) ?? 0n) + BigInt(line.slice(at + 1)));
  }
  return [...sums].map(([key, value]) => `${key}|${value}`).sort();
}

test('on-CPU samples have a count and, last and by default, their time', () => {
  const { sampleTypes, samples, periodType, period, defaultSampleType, timeUnixNano, durationNano } = toPprof(
    goodProfiles(),
  );
  assert.deepEqual(sampleTypes, [
    { type: 'samples', unit: 'count' },
    { type: 'cpu', unit: 'nanoseconds' },
  ]);
  assert.deepEqual(
    samples.map(({ values }) => values),
    [
      [2n, 100_000_000n],
      [1n, 50_000_000n],
    ],
  );
  assert.deepEqual([periodType, period, defaultSampleType], [{ type: 'cpu', unit: 'nanoseconds' }, 50_000_000n, 'cpu']);
  assert.deepEqual([timeUnixNano, durationNano], [1_767_225_600_000_000_000n, 5_000_000_000n]);
});

test('attributes of resources and samples and the link become labels; a number without unit has its key for one', () => {
  const data = goodProfiles();
  data.resourceProfiles[0]!.resource.attributes.push(
    { key: 'process.pid', value: 0n },
    { key: 'list', value: [1n, 'a'] },
  );
  const [, second] = toPprof(data).samples;
  assert.deepEqual(second?.labels.slice(0, 3), [
    { key: 'service.name', text: 'shop' },
    { key: 'process.pid', number: 0n, unit: 'process.pid' },
    { key: 'list', text: '["1","a"]' },
  ]);
  assert.deepEqual(second?.labels.slice(-2), [
    { key: 'trace_id', text: '07'.repeat(16) },
    { key: 'span_id', text: '09'.repeat(8) },
  ]);
});

test("a sample's own attribute goes before that of its resource", () => {
  const data = goodProfiles();
  const { stringTable, attributeTable } = data.dictionary;
  stringTable.push('service.name');
  attributeTable.push({ keyStrindex: stringTable.length - 1, value: 'own', unitStrindex: 0 });
  data.resourceProfiles[0]!.scopeProfiles[0]!.profiles[0]!.samples[0]!.attributeIndices = [attributeTable.length - 1];
  assert.deepEqual(toPprof(data).samples[0]?.labels, [{ key: 'service.name', text: 'own' }]);
});

test('timestamps are lost and counted, or make a sample each', () => {
  const { losses } = pprofFromProfiles(mergeProfiles([goodProfiles()]), { hasTimestamps: false });
  assert.equal(losses.get('timestamps (--timestamps keeps them)'), 3);
  const { samples } = toPprof(goodProfiles(), true);
  assert.deepEqual(
    samples.map(({ values, labels }) => [values[0], labels.find(({ key }) => key === 'timestamp_ns')]),
    [0n, 50_000_000n, 4_999_999_999n].map((offset) => [
      1n,
      { key: 'timestamp_ns', number: 1_767_225_600_000_000_000n + offset, unit: 'nanoseconds' },
    ]),
  );
});

test('a mapping with an address that nobody named is left to be symbolized, and the main program comes first', () => {
  const data = goodProfiles();
  const { mappings, locations } = toPprof(data);
  const shop = mappings[1]!;
  assert.deepEqual([shop.file, shop.hasFunctions, shop.hasInlineFrames], ['/usr/bin/shop', false, false]);
  assert.equal(locations.filter(({ mapping }) => mapping === 1).length, 2);
  for (const { lines } of data.dictionary.locationTable)
    if (lines.length === 0) lines.push({ functionIndex: 1, line: 1n, column: 0n });
  const named = toPprof(data).mappings[1]!;
  assert.deepEqual([named.hasFunctions, named.hasFilenames, named.hasInlineFrames], [true, true, true]);
});

test('what a profile holds comes back from its bytes', () => {
  const profile = toPprof(goodProfiles());
  const bytes = encodePprof(profile);
  assert.ok(isPprof(bytes));
  assert.equal(isPprof(encodeProfilesData(goodProfiles())), false);
  assert.deepEqual(decodePprof(bytes), { ...profile, ...unusedEntries(decodePprof(bytes)) });
});

/** Entry 0 of each table is of no use, and not written. */
function unusedEntries({ mappings, locations, functions }: PprofProfile): Partial<PprofProfile> {
  return { mappings, locations, functions };
}

test('OTLP comes back from pprof: stacks, names, values, types, attributes, resources, links', () => {
  const data = goodProfiles();
  const back = mergeProfiles([profilesFromPprof(decodePprof(encodePprof(toPprof(data))))]);
  assert.deepEqual(observations(back), observations(data));
  assert.deepEqual(checkConformance(back), []);
});

test('a frame of which nothing is known keeps its place', () => {
  const data = goodProfiles();
  data.dictionary.stackTable[1]!.locationIndices.unshift(0);
  const back = mergeProfiles([profilesFromPprof(decodePprof(encodePprof(toPprof(data))))]);
  assert.deepEqual(observations(back), observations(data));
});

test('an attribute with an empty value is lost, and counted', () => {
  const data = goodProfiles();
  data.resourceProfiles[0]!.resource.attributes.push({ key: 'empty', value: '' });
  const { profile, losses } = pprofFromProfiles(mergeProfiles([data]), { hasTimestamps: false });
  assert.ok(profile.samples.every(({ labels }) => labels.every(({ key }) => key !== 'empty')));
  assert.equal(losses.get('attributes with an empty value'), 2);
});

test('so do eight requests of a real profiler', () => {
  const file = join(import.meta.dirname, '../../otlp/fixtures/profiler-97hz.otlp');
  const data = mergeProfiles(readProtoFile(file).map(decodeProfilesData));
  const back = mergeProfiles([profilesFromPprof(decodePprof(encodePprof(toPprof(data))))]);
  assert.deepEqual(summed(back), summed(data));
  assert.deepEqual(checkConformance(back), []);
});

const heap: PprofProfile = {
  sampleTypes: [
    { type: 'alloc_objects', unit: 'count' },
    { type: 'inuse_space', unit: 'bytes' },
  ],
  samples: [
    { locations: [1, 2], values: [3n, -5n], labels: [{ key: 'bytes', number: 16n, unit: 'bytes' }] },
    { locations: [2], values: [0n, 7n], labels: [{ key: 'kind', text: 'large' }] },
    { locations: [], values: [1n, 2n ** 62n], labels: [] },
  ],
  mappings: [1, 2].map(() => ({
    start: 0x400000n,
    limit: 0x800000n,
    offset: 0n,
    file: '/srv/app',
    buildId: 'go/build/id',
    hasFunctions: true,
    hasFilenames: true,
    hasLineNumbers: true,
    hasInlineFrames: false,
  })),
  locations: [1, 1, 2].map((id) => ({
    mapping: 1,
    address: 0x400000n + BigInt(id),
    lines: [{ function: id, line: 10n, column: 2n }],
    isFolded: id === 2,
  })),
  functions: ['', 'main.run', 'main.main'].map((name) => ({ name, systemName: name, file: 'main.go', startLine: 3n })),
  timeUnixNano: 1_767_225_600_000_000_000n,
  durationNano: 1_000_000_000n,
  periodType: { type: 'space', unit: 'bytes' },
  period: 524_288n,
  comments: ['first', 'second'],
  defaultSampleType: 'inuse_space',
  dropFrames: 'runtime\\..*',
  keepFrames: '',
  docUrl: 'https://example.com/heap',
};

test('pprof of several types comes back from OTLP: each type a profile, order, default, comments and flags kept', () => {
  const data = mergeProfiles([profilesFromPprof(decodePprof(encodePprof(heap)))]);
  assert.deepEqual(checkConformance(data), []);
  const types = data.resourceProfiles.flatMap(({ scopeProfiles }) => scopeProfiles.flatMap(({ profiles }) => profiles));
  assert.equal(types.length, 2);
  const back = toPprof(data);
  assert.deepEqual(back.sampleTypes, heap.sampleTypes);
  const contents = ({ samples }: PprofProfile): string[] => {
    return samples.map(({ values, labels }) => `${values} ${labels.map((label) => Object.values(label))}`).sort();
  };
  assert.deepEqual(contents(back), contents(heap));
  for (const field of ['comments', 'defaultSampleType', 'dropFrames', 'docUrl', 'period', 'periodType'] as const) {
    assert.deepEqual(back[field], heap[field], field);
  }
  assert.deepEqual(back.mappings[1], heap.mappings[1]);
  assert.deepEqual(back.locations.map(({ isFolded }) => isFolded).sort(), [false, false, true]);
});

for (const { name, change, problem } of [
  {
    name: 'a location that is not there',
    change: { samples: [{ ...heap.samples[0]!, locations: [9] }] },
    problem: /^sample\[0\]: location_id: there is no location 9$/,
  },
  {
    name: 'a value too few',
    change: { samples: [{ ...heap.samples[0]!, values: [1n] }] },
    problem: /^sample\[0\]: has 1 values for 2 sample types$/,
  },
  {
    name: 'a function that is not there',
    change: { functions: [] },
    problem: /^location\[0\]: line: function_id: there is no function 1$/,
  },
  {
    name: 'a mapping that is not there',
    change: { mappings: [] },
    problem: /^location\[0\]: mapping_id: there is no mapping 1$/,
  },
]) {
  test(`pprof with ${name} is refused with its path`, () => {
    assert.throws(
      () => decodePprof(encodePprof({ ...heap, ...change })),
      (error) => {
        assert.ok(error instanceof InvalidMessage);
        assert.match(error.message, problem);
        return true;
      },
    );
  });
}

test('any bytes are read or refused as a message, and what is read can be converted', () => {
  const bytes = encodePprof(heap);
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { maxLength: 6 }), (changes) => {
      const mutated = bytes.slice();
      for (const [at, byte] of changes) mutated[at] = byte;
      try {
        toPprof(profilesFromPprof(decodePprof(mutated)));
      } catch (error) {
        assert.ok(error instanceof InvalidMessage, String(error));
      }
    }),
    { numRuns: Number(process.env.PROPERTY_RUNS ?? 300) },
  );
});

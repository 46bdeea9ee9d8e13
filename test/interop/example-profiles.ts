import type { KeyValueAndUnit, Profile, ProfilesData, Sample } from '../../src/otlp/profiles-data.ts';

/** A time whose nanoseconds exceed 2^53: it shows whether 64 bits come through whole. */
const startUnixNano = 1_795_370_015_030_827_001n;
const strings = [
  '',
  'samples',
  'count',
  'cpu',
  'nanoseconds',
  'main',
  '_ZN4mainEv',
  'src/main.rs',
  '/usr/bin/app',
  'profile.frame.type',
  'native',
  'kernel',
  'thread.name',
  'worker-1 ✓',
  'thread.id',
  'process.executable.build_id.gnu',
  'inlined',
  'do_syscall_64',
  'off_cpu',
  'sampling.share',
  'ratio',
  'labels',
];
const at = (text: string): number => strings.indexOf(text);
const none = new Uint8Array(0);

/** One of everything that profiles can hold, conformant: two resources, two shapes of sample, all kinds of value. */
export function exampleProfiles(): ProfilesData {
  const onCpu: Profile = {
    sampleType: { typeStrindex: at('samples'), unitStrindex: at('count') },
    samples: [
      sample({ stackIndex: 1, attributeIndices: [3, 4], timestampsUnixNano: [startUnixNano, startUnixNano + 7n] }),
      sample({ stackIndex: 2, linkIndex: 1, timestampsUnixNano: [startUnixNano + 4_999_999_999n] }),
    ],
    timeUnixNano: startUnixNano,
    durationNano: 5_000_000_000n,
    periodType: { typeStrindex: at('cpu'), unitStrindex: at('nanoseconds') },
    period: 50_000_000n,
    profileId: Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex'),
    droppedAttributesCount: 2,
    originalPayloadFormat: '',
    originalPayload: none,
    attributeIndices: [6, 7],
  };
  const offCpu: Profile = {
    ...onCpu,
    sampleType: { typeStrindex: at('off_cpu'), unitStrindex: at('nanoseconds') },
    samples: [
      sample({ stackIndex: 1, attributeIndices: [5], values: [2n ** 63n - 1n] }),
      sample({ stackIndex: 2, values: [9_007_199_254_740_993n] }),
    ],
    profileId: Buffer.from('ff0102030405060708090a0b0c0d0eff', 'hex'),
    originalPayloadFormat: 'linux_perf',
    originalPayload: Buffer.from('PERFILE2'),
  };
  const scope = { name: 'framekeeper', version: '1.2.3', attributes: [], droppedAttributesCount: 0 };
  return {
    resourceProfiles: [
      {
        resource: {
          attributes: [
            { key: 'service.name', value: 'checkout' },
            { key: 'process.pid', value: 4_294_967_296n },
            {
              key: 'nested',
              value: { entries: [{ key: 'inner', value: ['a', '', true, 1.5, Buffer.from([0, 255])] }] },
            },
            { key: 'empty', value: '' },
            { key: 'unset', value: undefined },
          ],
          droppedAttributesCount: 0,
        },
        scopeProfiles: [{ scope, profiles: [onCpu, offCpu], schemaUrl: 'https://opentelemetry.io/schemas/1.44.0' }],
        schemaUrl: 'https://opentelemetry.io/schemas/1.44.0',
      },
      {
        resource: { attributes: [{ key: 'service.name', value: 'billing' }], droppedAttributesCount: 1 },
        scopeProfiles: [{ scope, profiles: [onCpu], schemaUrl: '' }],
        schemaUrl: '',
      },
    ],
    dictionary: {
      stringTable: strings,
      mappingTable: [
        { memoryStart: 0n, memoryLimit: 0n, fileOffset: 0n, filenameStrindex: 0, attributeIndices: [] },
        {
          memoryStart: 0x5555_5555_4000n,
          memoryLimit: 0x5555_5556_0000n,
          fileOffset: 0x1000n,
          filenameStrindex: at('/usr/bin/app'),
          attributeIndices: [8],
        },
      ],
      functionTable: [
        { nameStrindex: 0, systemNameStrindex: 0, filenameStrindex: 0, startLine: 0n },
        {
          nameStrindex: at('main'),
          systemNameStrindex: at('_ZN4mainEv'),
          filenameStrindex: at('src/main.rs'),
          startLine: 10n,
        },
        { nameStrindex: at('inlined'), systemNameStrindex: 0, filenameStrindex: at('src/main.rs'), startLine: 3n },
        { nameStrindex: at('do_syscall_64'), systemNameStrindex: 0, filenameStrindex: 0, startLine: 0n },
      ],
      locationTable: [
        { mappingIndex: 0, address: 0n, lines: [], attributeIndices: [] },
        {
          mappingIndex: 1,
          address: 0x1a2bn,
          lines: [
            { functionIndex: 2, line: 4n, column: 9n },
            { functionIndex: 1, line: 12n, column: 0n },
          ],
          attributeIndices: [1],
        },
        {
          mappingIndex: 0,
          address: 0xffff_ffff_8123_4567n,
          lines: [{ functionIndex: 3, line: 0n, column: 0n }],
          attributeIndices: [2],
        },
        { mappingIndex: 1, address: 0x2bcdn, lines: [], attributeIndices: [1] },
      ],
      linkTable: [
        { traceId: none, spanId: none },
        { traceId: Buffer.alloc(16, 0xab), spanId: Buffer.alloc(8, 0xcd) },
      ],
      attributeTable: attributeTable(),
      stackTable: [{ locationIndices: [] }, { locationIndices: [2, 1] }, { locationIndices: [3] }],
    },
  };
}

function attributeTable(): KeyValueAndUnit[] {
  const attribute = (key: string, value: KeyValueAndUnit['value'], unit = ''): KeyValueAndUnit => ({
    keyStrindex: at(key),
    value,
    unitStrindex: at(unit),
  });
  return [
    { keyStrindex: 0, value: undefined, unitStrindex: 0 },
    attribute('profile.frame.type', 'native'),
    attribute('profile.frame.type', 'kernel'),
    attribute('thread.name', 'worker-1 ✓'),
    attribute('thread.id', 4711n),
    attribute('thread.id', -1n),
    attribute('sampling.share', 0.25, 'ratio'),
    attribute('labels', { entries: [{ key: 'a', value: ['b', false] }] }),
    attribute('process.executable.build_id.gnu', '93ac61ec5a8eb1396f9fbd350e3169a558528a40'),
  ];
}

function sample(given: Partial<Sample>): Sample {
  return { stackIndex: 0, attributeIndices: [], linkIndex: 0, values: [], timestampsUnixNano: [], ...given };
}

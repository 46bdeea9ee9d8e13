import type { Entries, ProfilesData } from '../../src/otlp/profiles-data.ts';

/** `T` without `readonly`, all the way down: for tests that spoil one thing. */
export type Mutable<T> = T extends Uint8Array | bigint | string | number | boolean | undefined
  ? T
  : T extends readonly (infer Item)[]
    ? Mutable<Item>[]
    : T extends Entries<infer Item>
      ? Mutable<Item>[]
      : { -readonly [Key in keyof T]: Mutable<T[Key]> };

const startUnixNano = 1_767_225_600_000_000_000n;

/** A small payload without a fault: two samples, three frames (native, inlined, kernel), a link; made anew at each call. */
export function goodProfiles(): Mutable<ProfilesData> {
  return {
    resourceProfiles: [
      {
        resource: { attributes: [{ key: 'service.name', value: 'shop' }], droppedAttributesCount: 0 },
        scopeProfiles: [
          {
            scope: { name: 'framekeeper', version: '0.1.0', attributes: [], droppedAttributesCount: 0 },
            profiles: [
              {
                sampleType: { typeStrindex: 1, unitStrindex: 2 },
                samples: [
                  {
                    stackIndex: 1,
                    attributeIndices: [4],
                    linkIndex: 0,
                    values: [],
                    timestampsUnixNano: [startUnixNano, startUnixNano + 50_000_000n],
                  },
                  {
                    stackIndex: 2,
                    attributeIndices: [4],
                    linkIndex: 1,
                    values: [],
                    timestampsUnixNano: [startUnixNano + 4_999_999_999n],
                  },
                ],
                timeUnixNano: startUnixNano,
                durationNano: 5_000_000_000n,
                periodType: { typeStrindex: 3, unitStrindex: 4 },
                period: 50_000_000n,
                profileId: Uint8Array.from({ length: 16 }, (_, index) => index),
                droppedAttributesCount: 0,
                originalPayloadFormat: '',
                originalPayload: new Uint8Array(0),
                attributeIndices: [],
              },
            ],
            schemaUrl: '',
          },
        ],
        schemaUrl: '',
      },
    ],
    dictionary: {
      mappingTable: [
        { memoryStart: 0n, memoryLimit: 0n, fileOffset: 0n, filenameStrindex: 0, attributeIndices: [] },
        { memoryStart: 0x1000n, memoryLimit: 0x9000n, fileOffset: 0x1000n, filenameStrindex: 5, attributeIndices: [3] },
      ],
      locationTable: [
        { mappingIndex: 0, address: 0n, lines: [], attributeIndices: [] },
        { mappingIndex: 1, address: 0x1234n, lines: [], attributeIndices: [1] },
        {
          mappingIndex: 1,
          address: 0x2345n,
          lines: [
            { functionIndex: 1, line: 7n, column: 3n },
            { functionIndex: 2, line: 42n, column: 0n },
          ],
          attributeIndices: [1],
        },
        {
          mappingIndex: 0,
          address: 0xffff_ffff_8100_0000n,
          lines: [{ functionIndex: 3, line: 0n, column: 0n }],
          attributeIndices: [2],
        },
      ],
      functionTable: [
        { nameStrindex: 0, systemNameStrindex: 0, filenameStrindex: 0, startLine: 0n },
        { nameStrindex: 6, systemNameStrindex: 0, filenameStrindex: 8, startLine: 5n },
        { nameStrindex: 7, systemNameStrindex: 0, filenameStrindex: 8, startLine: 40n },
        { nameStrindex: 9, systemNameStrindex: 0, filenameStrindex: 0, startLine: 0n },
      ],
      linkTable: [
        { traceId: new Uint8Array(0), spanId: new Uint8Array(0) },
        { traceId: new Uint8Array(16).fill(7), spanId: new Uint8Array(8).fill(9) },
      ],
      stringTable: [
        '',
        'samples',
        'count',
        'cpu',
        'nanoseconds',
        '/usr/bin/shop',
        'add',
        'checkout',
        'shop.c',
        'do_syscall_64',
        'profile.frame.type',
        'process.executable.build_id.htlhash',
        'thread.name',
      ],
      attributeTable: [
        { keyStrindex: 0, value: undefined, unitStrindex: 0 },
        { keyStrindex: 10, value: 'native', unitStrindex: 0 },
        { keyStrindex: 10, value: 'kernel', unitStrindex: 0 },
        { keyStrindex: 11, value: '00112233445566778899aabbccddeeff', unitStrindex: 0 },
        { keyStrindex: 12, value: 'worker', unitStrindex: 0 },
      ],
      stackTable: [{ locationIndices: [] }, { locationIndices: [1, 2] }, { locationIndices: [3, 2] }],
    },
  };
}

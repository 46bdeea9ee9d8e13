import assert from 'node:assert/strict';
import { decodeProfilesData } from '../../src/otlp/protobuf/decode-profiles-data.ts';
import { encodeProfilesData } from '../../src/otlp/protobuf/encode-profiles-data.ts';
import { oracleDecode, oracleEncode, profilesDataType } from '../otlp/protobuf/protobuf-oracle.ts';
import { withLists } from '../support/with-lists.ts';
import type { BenchSuite } from './bench.ts';
import { compareInRounds } from './bench.ts';
import { syntheticProfiles } from './synthetic-profiles.ts';

const sampleCount = 1000;

/** Our encoder and decoder against protobufjs by reflection, on one reporting cycle of a busy node. */
export const suite: BenchSuite = {
  name: 'otlp',
  async run({ rounds }) {
    const data = syntheticProfiles();
    const bytes = encodeProfilesData(data);
    // What is compared does the same.
    assert.deepEqual(oracleDecode(bytes), data);
    assert.deepEqual(withLists(decodeProfilesData(oracleEncode(data))), withLists(data));
    const message = profilesDataType.decode(bytes);
    const plain = profilesDataType.toObject(message, { longs: String });
    const comparison = {
      unit: 'ns/sample',
      rounds,
      runsPerRound: 10,
      convert: (nanoseconds: number) => nanoseconds / sampleCount,
    };
    return [
      ...compareInRounds(
        [
          { what: `encode ${bytes.length} bytes`, run: () => encodeProfilesData(data) },
          { what: 'protobufjs encode', run: () => profilesDataType.encode(message).finish() },
          {
            what: 'protobufjs fromObject, encode',
            run: () => profilesDataType.encode(profilesDataType.fromObject(plain)).finish(),
          },
        ],
        comparison,
      ),
      ...compareInRounds(
        [
          { what: 'decode', run: () => decodeProfilesData(bytes) },
          { what: 'protobufjs decode', run: () => profilesDataType.decode(bytes) },
          {
            what: 'protobufjs decode, toObject',
            run: () => profilesDataType.toObject(profilesDataType.decode(bytes), { longs: String }),
          },
        ],
        comparison,
      ),
    ];
  },
};

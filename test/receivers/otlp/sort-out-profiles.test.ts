import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeProfilesData } from '../../../src/otlp/protobuf/encode-profiles-data.ts';
import { MessageReader } from '../../../src/receivers/otlp/message-reader.ts';
import { goodProfiles } from '../../otlp/good-profiles.ts';

const pathOfProfile = 'resource_profiles[0]: scope_profiles[0]: profile[0]';

for (const { values, timestamps, fault } of [
  { values: 2, timestamps: 1, fault: 'values: has 2 elements for 1 timestamps' },
  { values: 2, timestamps: 0, fault: 'values: has 2 elements for 0 timestamps' },
  { values: 3, timestamps: 2, fault: 'values: has 3 elements for 2 timestamps' },
  { values: 2, timestamps: 2, fault: undefined },
  { values: 1, timestamps: 2, fault: undefined },
  { values: 1, timestamps: 0, fault: undefined },
  { values: 0, timestamps: 2, fault: undefined },
]) {
  for (const isVersionDeclared of [true, false]) {
    const fate = fault === undefined ? 'taken' : 'left out alone';
    const sender = isVersionDeclared ? 'declared' : 'undeclared';
    test(`a sample with ${values} values for ${timestamps} timestamps is ${fate}, its version ${sender}`, () => {
      const data = goodProfiles();
      const [profile] = data.resourceProfiles[0]!.scopeProfiles[0]!.profiles;
      const [first, second] = profile!.samples;
      // A value for a second sample as well: without it nothing may tell the version.
      first!.values = [300n, 2n];
      second!.values = Array.from({ length: values }, (_, i) => 300n + BigInt(i));
      second!.timestampsUnixNano = Array.from({ length: timestamps }, (_, i) => profile!.timeUnixNano + BigInt(i));
      const bytes = encodeProfilesData(data);
      const read = new MessageReader().read({ encoding: 'protobuf', bytes, isVersionDeclared });
      const isFaulty = fault !== undefined;
      assert.deepEqual(read.faults, isFaulty ? [`${pathOfProfile}: samples[1]: ${fault}`] : []);
      assert.equal(read.rejectedProfiles, 0);
      assert.equal(read.rejectedSamples, isFaulty ? 1 : 0);
      const kept = read.data.resourceProfiles[0]!.scopeProfiles[0]!.profiles[0]!.samples;
      assert.deepEqual(kept, isFaulty ? [first] : [first, second]);
      // Nothing else of the message keeps it from being passed on.
      assert.equal(read.scan.kind === 'not_passable' && read.scan.reason === 'shape', isFaulty);
    });
  }
}

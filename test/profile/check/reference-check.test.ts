import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Profile, ProfilesData } from '../../../src/otlp/profiles-data.ts';
import { ReferenceCheck } from '../../../src/profile/check/reference-check.ts';
import type { Mutable } from '../../otlp/good-profiles.ts';
import { goodProfiles } from '../../otlp/good-profiles.ts';

type Spoil = (data: Mutable<ProfilesData>, profile: Mutable<Profile>) => void;

function faultAfter(spoil: Spoil): string | undefined {
  const data = goodProfiles();
  const profile = data.resourceProfiles[0]!.scopeProfiles[0]!.profiles[0]!;
  spoil(data, profile);
  return new ReferenceCheck(data.dictionary).faultOf(profile);
}

const cases: readonly { readonly name: string; readonly spoil: Spoil; readonly fault: string | undefined }[] = [
  { name: 'a sound profile', spoil: () => undefined, fault: undefined },
  {
    name: 'a stack beyond the table',
    spoil: (_, profile) => {
      profile.samples[1]!.stackIndex = 3;
    },
    fault: 'samples[1]: stack_index: index 3 is out of range [0..3)',
  },
  {
    name: 'a negative index',
    spoil: (_, profile) => {
      profile.samples[0]!.linkIndex = -1;
    },
    fault: 'samples[0]: link_index: index -1 is out of range [0..2)',
  },
  {
    name: 'an attribute beyond the table',
    spoil: (_, profile) => {
      profile.samples[0]!.attributeIndices.push(5);
    },
    fault: 'samples[0]: attribute_indices[1]: index 5 is out of range [0..5)',
  },
  {
    name: 'a type that no string names',
    spoil: (_, profile) => {
      profile.periodType.unitStrindex = 13;
    },
    fault: 'period_type: unit_strindex: index 13 is out of range [0..13)',
  },
  {
    name: 'a function that a stack leads to',
    spoil: ({ dictionary }) => {
      dictionary.locationTable[2]!.lines[1]!.functionIndex = 4;
    },
    fault:
      'samples[0]: stack_index: dictionary: stack_table[1]: location_indices[1]: dictionary: location_table[2]: lines[1]: function_index: index 4 is out of range [0..4)',
  },
  {
    name: 'a string that a mapping leads to',
    spoil: ({ dictionary }) => {
      dictionary.attributeTable[3]!.keyStrindex = 99;
    },
    fault:
      'samples[0]: stack_index: dictionary: stack_table[1]: location_indices[0]: dictionary: location_table[1]: mapping_index: dictionary: mapping_table[1]: attribute_indices[0]: dictionary: attribute_table[3]: key_strindex: index 99 is out of range [0..13)',
  },
  {
    name: 'a link with half a trace ID',
    spoil: ({ dictionary }) => {
      dictionary.linkTable[1]!.traceId = new Uint8Array(8);
    },
    fault: 'samples[1]: link_index: dictionary: link_table[1]: trace_id: has 8 bytes, must have 16',
  },
  {
    name: 'a profile ID of another length',
    spoil: (_, profile) => {
      profile.profileId = new Uint8Array(8);
    },
    fault: 'profile_id: has 8 bytes, must have 16 or none',
  },
  {
    name: 'a faulty entry that no sample uses',
    spoil: ({ dictionary }) => {
      dictionary.stackTable.push({ locationIndices: [99] });
    },
    fault: undefined,
  },
  {
    name: 'empty tables for whoever refers to nothing',
    spoil: ({ dictionary }, profile) => {
      dictionary.linkTable = [];
      for (const sample of profile.samples) sample.linkIndex = 0;
    },
    fault: undefined,
  },
  {
    name: 'a head of zero bytes in place of no link',
    spoil: ({ dictionary }) => {
      dictionary.linkTable[0] = { traceId: new Uint8Array(16), spanId: new Uint8Array(8) };
    },
    fault: undefined,
  },
  {
    name: 'a head that says something',
    spoil: ({ dictionary }) => {
      dictionary.mappingTable[0]!.memoryLimit = 1n;
    },
    fault:
      'samples[1]: stack_index: dictionary: stack_table[2]: location_indices[0]: dictionary: location_table[3]: mapping_index: dictionary: mapping_table[0]: is not the zero value, which index 0 stands for',
  },
];

for (const { name, spoil, fault } of cases) {
  test(`ReferenceCheck judges ${name}`, () => assert.equal(faultAfter(spoil), fault));
}

test('ReferenceCheck tells a second profile the same fault of the same entry', () => {
  const data = goodProfiles();
  data.dictionary.stackTable[1]!.locationIndices = [9];
  const check = new ReferenceCheck(data.dictionary);
  const profile = data.resourceProfiles[0]!.scopeProfiles[0]!.profiles[0]!;
  const first = check.faultOf(profile);
  assert.match(first!, /index 9 is out of range/);
  assert.equal(check.faultOf(profile), first);
});

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readProfilesFile } from '../../../src/cli/inspect/read-profiles-file.ts';
import { decodeProfilesData } from '../../../src/otlp/protobuf/decode-profiles-data.ts';
import { encodeProfilesData } from '../../../src/otlp/protobuf/encode-profiles-data.ts';
import { checkConformance } from '../../../src/profile/check/check-conformance.ts';
import { withLists } from '../../support/with-lists.ts';

// Exports of real profilers in the wire of proto v1.8, which v1.10 broke: values, attributes and links of a sample
// changed their numbers. They lie beside the repository, not in it.
const folder = join(import.meta.dirname, '../../../../shared/data/otlp');

for (const { name, messages, samples } of [
  { name: 'profile.otlp', messages: 1, samples: 49 },
  { name: 'k8s.otlp', messages: 2, samples: 165 },
]) {
  const path = join(folder, name);
  const skip = existsSync(path) ? false : `SKIPPED: ${path} is not there`;
  test(`${name}, of the old wire, is read without harm and fails the check`, { skip }, async () => {
    const file = await readProfilesFile(readFileSync(path));
    assert.equal(file.messages.length, messages);
    let count = 0;
    for (const { data } of file.messages) {
      for (const { samples: list } of profilesOf(data)) count += list.length;
      // What was read can be written and read again.
      assert.deepEqual(withLists(decodeProfilesData(encodeProfilesData(data))), withLists(data));
      assert.ok(checkConformance(data).length > 0);
      assert.ok(
        profilesOf(data).every(({ profileId }) => profileId.length === 0),
        'the ID had another number',
      );
    }
    assert.equal(count, samples);
  });
}

function profilesOf(data: ReturnType<typeof decodeProfilesData>) {
  return data.resourceProfiles.flatMap((entry) => entry.scopeProfiles.flatMap(({ profiles }) => profiles));
}

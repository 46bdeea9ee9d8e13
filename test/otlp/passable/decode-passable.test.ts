import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodePassable } from '../../../src/otlp/passable/decode-passable.ts';
import { PassableScanner } from '../../../src/otlp/passable/passable-scanner.ts';
import { decodeProfilesData } from '../../../src/otlp/protobuf/decode-profiles-data.ts';
import { encodeProfilesData } from '../../../src/otlp/protobuf/encode-profiles-data.ts';
import { stringColumnsOf } from '../../../src/otlp/string-columns.ts';
import { mergeProfiles } from '../../../src/profile/join/profiles-joiner.ts';
import { passingProfiles } from '../../bench/passing-profiles.ts';
import { withLists } from '../../support/with-lists.ts';
import { goodProfiles } from '../good-profiles.ts';
import { realRequests } from '../real-requests.ts';
import { profilesApart } from '../sound-profiles.ts';

const scanner = new PassableScanner();

/** Compares what is decoded with the help of the scan, and the hashes of texts too, by which they are found in other tables. */
function isSame(bytes: Uint8Array): boolean {
  const scan = scanner.scan(bytes, true);
  if (scan.kind === 'not_passable') return false;
  const [decoded, expected] = [decodePassable(scan.profiles), decodeProfilesData(bytes)];
  assert.deepEqual(withLists(decoded), withLists(expected));
  const [texts, plain] = [decoded, expected].map(({ dictionary }) => stringColumnsOf(dictionary.stringTable));
  for (let i = 0; i < plain!.length; i++) assert.equal(texts!.hash(i), plain!.hash(i));
  return true;
}

test('a scanned message is decoded as one that nobody has scanned', () => {
  const messages = [...realRequests('profiler'), ...realRequests('collector')];
  messages.push(...[goodProfiles(), passingProfiles(1.3).data].map((data) => Buffer.from(encodeProfilesData(data))));
  for (const bytes of messages) assert.equal(isSame(bytes), true);
});

test('any message that passes is decoded the same with its scan and without', () => {
  let passed = 0;
  fc.assert(
    fc.property(profilesApart, (data) => {
      if (isSame(encodeProfilesData(mergeProfiles([data])))) passed++;
    }),
    { numRuns: 300 },
  );
  assert.ok(passed > 30, `${passed} passed`);
});

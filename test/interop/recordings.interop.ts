import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ProfilesData } from '../../src/otlp/profiles-data.ts';
import { decodeProfilesData } from '../../src/otlp/protobuf/decode-profiles-data.ts';
import { checkConformance } from '../../src/profile/check/check-conformance.ts';
import { readProtoFile } from '../support/proto-file.ts';
import { startCollector } from './collector.ts';
import { startFramekeeper } from './framekeeper.ts';
import { assertSameProfiles, normalForm } from './normal-form.ts';
import { profcheck } from './profcheck.ts';
import { readJsonFile } from './profile-files.ts';

const recordings = join(import.meta.dirname, '../../recordings');
const names = readdirSync(recordings, { withFileTypes: true }).filter((entry) => entry.isDirectory());

for (const { name } of names) {
  const title = `what becomes of the recording "${name}" passes profcheck, and reaches a Collector unchanged`;
  test(title, { timeout: 120_000 }, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'framekeeper-interop-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const collector = await startCollector(folder);
    t.after(() => collector.stop());
    const framekeeper = await startFramekeeper(folder, collector.grpcEndpoint);
    t.after(() => framekeeper.stop());
    const sampleCount = await framekeeper.replay(join(recordings, name));
    await framekeeper.stop();
    await collector.stop();

    const messages = readProtoFile(framekeeper.files.proto);
    assert.ok(messages.length > 0);
    for (const message of messages) {
      const { hasPassed, output } = await profcheck(message);
      assert.ok(hasPassed, output);
    }
    const sent = messages.map(decodeProfilesData);
    assert.equal(countObservations(sent), sampleCount);
    // A collector gives up stacks of which no frame can be right.
    assert.ok(sampleCount > 0.99 * countRecordedSamples(name), `${sampleCount} samples`);
    for (const message of sent) {
      // profcheck of May 2026 looks for neither orphans nor duplicates other than strings; our own check does.
      assert.deepEqual(checkConformance(message), []);
      assert.deepEqual(
        [...message.dictionary.stringTable].filter((text) => /UNREPORTED|UNRESOLVED/.test(text)),
        [],
      );
    }
    const expected = normalForm(sent);
    assertSameProfiles(normalForm(readJsonFile(framekeeper.files.json)), expected);
    assertSameProfiles(normalForm(collector.readProto().map(decodeProfilesData)), expected);
    assertSameProfiles(normalForm(collector.readJson()), expected);
  });
}

/** A sample that was seen at several moments is one sample with as many timestamps or values. */
function countObservations(messages: readonly ProfilesData[]): number {
  return messages
    .flatMap(({ resourceProfiles }) => resourceProfiles)
    .flatMap(({ scopeProfiles }) => scopeProfiles)
    .flatMap(({ profiles }) => profiles)
    .flatMap(({ samples }) => [...samples])
    .reduce((sum, { values, timestampsUnixNano }) => sum + Math.max(values.length, timestampsUnixNano.length), 0);
}

function countRecordedSamples(name: string): number {
  const lines = readFileSync(join(recordings, name, 'raw.jsonl'), 'utf8')
    .split('\n')
    .filter(Boolean);
  return lines.filter((line) => (JSON.parse(line) as { type: string }).type === 'sample').length;
}

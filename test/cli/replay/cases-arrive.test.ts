import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { countTimestamps } from '../../../src/otlp/sample-columns.ts';
import { FrameReader } from '../../../src/profile/flame/frame-reader.ts';
import { runRecordings } from '../../support/recorded-run.ts';

const cases = join(import.meta.dirname, 'fixtures/cases');
const folder = mkdtempSync(join(tmpdir(), 'framekeeper-arrive-'));
after(() => rmSync(folder, { recursive: true }));

test('what a recording lacks is no reason for the service to reject it: all samples arrive, each with its type and its frames', async () => {
  const folded = join(folder, 'folded.txt');
  writeFileSync(folded, 'bash;main;-;do_exit 3\n');
  const files = ['unknown-frames', 'two-events', 'fork', 'kernel-kinds'].map((name) => join(cases, `${name}.perf.txt`));
  const { messages, summary } = await runRecordings([...files, folded, '--speed', 'max']);
  assert.match(summary, /^15 samples sent and accepted, 0 rejected$/m);
  const arrived = messages.flatMap((data) => {
    const reader = new FrameReader(data.dictionary);
    return data.resourceProfiles.flatMap(({ scopeProfiles }) =>
      scopeProfiles.flatMap(({ profiles }) =>
        profiles.flatMap(({ sampleType, samples }) =>
          [...samples].flatMap(({ stackIndex, values, timestampsUnixNano }) => {
            const frames = reader.stackFrames(stackIndex).map(({ functionName, mappingFile }) => {
              return functionName || mappingFile || '?';
            });
            const value = values.length > 0 ? values.reduce((a, b) => a + b) : BigInt(timestampsUnixNano.length);
            return Array(timestampsUnixNano.length).fill(
              `${reader.text(sampleType.typeStrindex)} ${value}: ${frames.join(' ')}`,
            );
          }),
        ),
      ),
    );
  });
  assert.deepEqual(arrived.sort(), [
    'page-faults 1: touch main',
    'samples 1: ? compute main',
    'samples 1: [kernel]',
    'samples 1: [kernel] [kernel] __read main',
    'samples 1: compute ? main',
    'samples 1: compute main',
    'samples 1: el0_svc main',
    'samples 1: nf_hook do_syscall_64 main',
    'samples 1: work',
    'samples 1: work',
    'samples 1: work main',
    'samples 1: work main',
    'samples 3: do_exit main',
    'sched:sched_switch 2: __schedule wait main',
    'sched:sched_switch 2: __schedule wait main',
  ]);
});

test('the service takes every sample of every case', async () => {
  const names = readdirSync(cases).filter((name) => !name.startsWith('no-time'));
  const { messages, summary } = await runRecordings([...names.map((name) => join(cases, name)), '--speed', 'max']);
  assert.match(summary, /^39 samples sent and accepted, 0 rejected$/m);
  assert.doesNotMatch(summary, /without a reply|refused/);
  assert.equal(sum(messages.map(countTimestamps)), 39);
});

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}

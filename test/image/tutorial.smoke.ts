import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { RunningChild } from '../support/child-process.ts';
import { runChild, waitForHealth } from '../support/child-process.ts';
import { patienceMs } from '../support/patience.ts';

// The tutorial, word for word and in its order, as far as it needs no cluster, no other program and no `sudo` that asks for a password.
const project = join(import.meta.dirname, '../..');
const page = readFileSync(join(project, 'docs/tutorial.md'), 'utf8');
const [see, start, look, profiler, perf, pyroscope, check] = [...page.matchAll(/^```\w+\n([\s\S]*?)^```$/gm)].map(
  ([, block]) => block!.trimEnd(),
);
const health = 'http://localhost:13133/';
const options = { timeout: 3 * patienceMs };
let folder: string;

before(() => {
  // The checkout, without what the tutorial writes into it.
  folder = mkdtempSync(join(tmpdir(), 'framekeeper-tutorial-'));
  for (const name of readdirSync(project)) if (name !== '.git') symlinkSync(join(project, name), join(folder, name));
});
after(() => {
  for (const path of [folder, '/tmp/framekeeper-queue']) rmSync(path, { recursive: true, force: true });
});

/** Runs a command in a shell until the test ends. */
function begin(t: { after(stop: () => unknown): void }, command: string): RunningChild {
  const child = runChild('sh', ['-c', `exec ${command}`], { folder });
  t.after(() => child.kill());
  return child;
}

function run(command: string): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync('sh', ['-c', command], { cwd: folder, encoding: 'utf8' });
  return { status, output: stdout + stderr };
}

test('the demo shows its page, and Ctrl-C ends it after the last report', options, async (t) => {
  assert.equal(see, 'npm ci\nnpm run demo');
  const demo = begin(t, 'npm run demo');
  await waitForHealth(health, demo);
  assert.equal((await fetch(`${health}live`)).status, 200);
  process.kill(demo.pid, 'SIGINT');
  await demo.ended();
  assert.match(demo.output(), /Shutdown complete\./);
});

test('the service starts, and both looks at it show what the page says', options, async (t) => {
  assert.equal(start, 'npm start');
  const service = begin(t, start!);
  await waitForHealth(health, service);
  for (const line of look!.split('\n')) {
    const [command, expected] = line.split(/\s+# /);
    const { status, output } = run(command!);
    assert.equal(status, 0, command);
    assert.ok(output.includes(expected?.split(',')[0] ?? 'otelcol_receiver_accepted_profile_samples'), output);
  }
  assert.match(profiler!, /^sudo ebpf-profiler -collection-agent=127\.0\.0\.1:4317 -disable-tls$/);
  await t.test('what perf records can be replayed into it', (perfTest) => {
    const [record, script, replay] = perf!.split('\n');
    for (const command of [record, script]) {
      const { status, output } = run(command!.replace('sudo ', '').replace('sleep 10', 'sleep 2'));
      if (status !== 0) return perfTest.skip(`perf is not here or not allowed: ${output.slice(0, 200)}`);
    }
    const { status, output } = run(replay!);
    assert.equal(status, 0, output);
    assert.match(output, /[1-9][\d,]* samples sent and accepted, 0 rejected/);
  });
  await service.stop();
});

test('the configuration for Pyroscope is accepted without a word, and the service runs with it', options, async (t) => {
  writeFileSync(join(folder, 'pyroscope.yaml'), pyroscope!);
  const [validate, serve] = check!.split('\n');
  assert.deepEqual(run(validate!), { status: 0, output: '' });
  const service = begin(t, serve!);
  await waitForHealth(`${health}livez`, service);
  await service.stop();
});

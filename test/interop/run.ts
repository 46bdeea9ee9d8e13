import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { whyGoIsUnusable } from './go-toolchain.ts';
import { preparePeers } from './peers.ts';

// Node's test runner is started only once the peers are there: files run in parallel, and the build must not.
const reason = await whyGoIsUnusable();
if (reason !== undefined) {
  console.log(
    `INTEROP SKIPPED: ${reason}. Nothing was checked against the OpenTelemetry Collector, the eBPF profiler's reporter, Parca and profcheck.`,
  );
  process.exit(0);
}
await preparePeers((line) => console.log(line));
const files = globSync('*.interop.ts', { cwd: import.meta.dirname }).map((file) => join(import.meta.dirname, file));
const { status } = spawnSync(
  process.execPath,
  ['--test', '--test-reporter=spec', ...process.argv.slice(2), ...files.sort()],
  {
    stdio: 'inherit',
  },
);
process.exit(status ?? 1);

import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import type { Measurement } from './measure.ts';
import { measure } from './measure.ts';
import type { Ceilings, Row } from './result-table.ts';
import { formatCourse, formatTable, problemsOf } from './result-table.ts';

const usage = `node test/testbed/run.ts [--rate 10000] [--seconds 60] [--hour] [--only REGEXP]

Measures memory and CPU of the service: idle, under load, and under load while the backend is down. With --hour, as many
reporting cycles as an hour has, a quarter of a second each instead of five, with the samples of five seconds in each.
`;

const { values } = parseArgs({
  options: {
    rate: { type: 'string', default: '10000' },
    seconds: { type: 'string', default: '60' },
    hour: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    help: { type: 'boolean', default: false },
  },
});

/** What the numbers of the README leave room for; a quarter of what the smallest node has. */
const ceilings: Ceilings = { rssBytes: 512 << 20, cpuShare: 0.6, growthBytes: 24 << 20 };
/** Full in the first half of a run, so that the second one shows whether anything else grows. */
const queueBytes = 4 << 20;

const idle: Measurement = {
  name: 'idle',
  isBackendUp: true,
  rate: 0,
  seconds: 20,
  intervalMs: 5_000,
  isDurable: false,
};

function minute(): Measurement[] {
  const load = { ...idle, rate: Number(values.rate), seconds: Number(values.seconds) };
  const down = { ...load, isBackendUp: false };
  return [
    idle,
    { ...load, name: 'backend up' },
    { ...down, name: 'backend down, queue of 4 MiB', queueBytes },
    { ...load, name: 'backend up, window and queue on disk', isDurable: true },
    // One request of each cycle is read back for each of the ten consumers: twice as long, so that all of them have one
    // before the second half.
    { ...down, name: 'backend down, window and queue on disk', isDurable: true, seconds: 2 * down.seconds },
  ];
}

/** A node with 16 busy cores, sampled 20 times a second: 1,600 samples in a cycle of 5 s. */
function hour(): Measurement[] {
  const cycles = 720;
  const intervalMs = 250;
  const seconds = (cycles * intervalMs) / 1000;
  const down = { ...idle, isBackendUp: false, rate: 1_600 / (intervalMs / 1000), seconds, intervalMs };
  return [
    { ...idle, intervalMs },
    { ...down, name: 'an hour of cycles, queue of 4 MiB', queueBytes },
    { ...down, name: 'an hour of cycles, queue as it is by default' },
    { ...down, name: 'an hour of cycles, window and queue on disk', isDurable: true },
  ];
}

/** Everything is compared with the idle run. */
function isWanted({ name }: Measurement): boolean {
  return name === idle.name || new RegExp(values.only).test(name);
}

if (values.help) {
  process.stdout.write(usage);
  process.exit(0);
}

const rows: Row[] = [];
for (const measurement of (values.hour ? hour() : minute()).filter(isWanted)) {
  const loadBefore = loadavg()[0]!.toFixed(1);
  const measured = await measure(measurement);
  const problems = problemsOf(measurement, measured, ceilings);
  rows.push({ measurement, measured, problems });
  const { load, counted, requestCount, receivedBytes } = measured;
  console.log(`${measurement.name}: load average ${loadBefore} before, ${loadavg()[0]!.toFixed(1)} after`);
  console.log(`  RSS: ${formatCourse(measured.samples)}`);
  if (load !== undefined) console.log(`  sender: ${JSON.stringify(load)}`);
  console.log(`  counted: ${JSON.stringify({ ...counted, requestCount, receivedBytes })}`);
  for (const problem of problems) console.log(`  NOT AS IT HAS TO BE: ${problem}`);
}
console.log(`\n${formatTable(rows)}`);
if (rows.some(({ problems }) => problems.length > 0)) process.exitCode = 1;

import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { realRequests } from '../../otlp/real-requests.ts';
import { DiscardingBackend } from '../../testbed/discarding-backend.ts';
import type { UsageSample } from '../../testbed/process-usage.ts';
import { readUsage, summarize, watchUsage } from '../../testbed/process-usage.ts';
import type { Contender } from './contenders.ts';
import { prepareContenders, startContender } from './contenders.ts';
import { GrpcLoad, wireMessage } from './grpc-load.ts';

const usage = `npm run bench:node -- [--minutes 10] [--idle-seconds 60]

Framekeeper, compiled and with the shipped configuration, with and without its symbolizer, and the OpenTelemetry Collector
as a node has them: started, idle, then a real profiler's request of 48 kB every 4.7 s. Prints CPU time of the start, and
CPU and memory while idle and of every five minutes.
`;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    'idle-seconds': { type: 'string', default: '60' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  process.stdout.write(usage);
  process.exit(0);
}
const prepared = await prepareContenders();

/** 64 requests in five minutes. */
const requestIntervalMs = 300_000 / 64;
/** Code becomes warm over many minutes. */
const minutesOfRow = 5;
const settleMs = 10_000;
const sampleIntervalMs = 1000;

const backend = await DiscardingBackend.start();
const options = { targetPort: backend.port, isGzip: false, ...prepared };
const names = ['as shipped', 'without symbolizer', 'collector'] as const;
const contenders: Contender[] = [];
for (const name of names) contenders.push(await startContender(name, options));
console.log(`A real node (${process.version}, ${values.minutes} min, load ${loadavg()[0]!.toFixed(1)})`);
for (const { name, startCpuMs } of contenders) console.log(`${name}: ${startCpuMs} ms of CPU until it listened`);
await sleep(settleMs);
print('idle', await watch(contenders, () => sleep(1000 * Number(values['idle-seconds']))));
const messages = realRequests('profiler').map((bytes) => wireMessage(bytes, false));
const loads = await Promise.all(contenders.map(({ port }) => GrpcLoad.connect(port)));
let sent = 0;
for (let from = 0; from < Number(values.minutes); from += minutesOfRow) {
  const minutes = Math.min(minutesOfRow, Number(values.minutes) - from);
  print(`minutes ${from} to ${from + minutes}`, await watch(contenders, () => sendFor(minutes)));
}
for (const one of loads) one.close();
for (const one of contenders) await one.stop();
await backend.stop();

async function sendFor(minutes: number): Promise<void> {
  const end = performance.now() + 60_000 * minutes;
  while (performance.now() < end) {
    const message = messages[sent++ % messages.length]!;
    await Promise.all(loads.map((one) => one.send(message)));
    await sleep(requestIntervalMs);
  }
}

/** Samples of each contender while `work` goes on. */
async function watch(watched: readonly Contender[], work: () => Promise<void>): Promise<UsageSample[][]> {
  const watches = watched.map(({ pid }) => watchUsage(pid, sampleIntervalMs));
  await work();
  return watches.map((one) => one.end());
}

function print(part: string, samples: readonly (readonly UsageSample[])[]): void {
  for (const [i, one] of samples.entries()) {
    const { name, pid } = contenders[i]!;
    const { cpuShare, meanRssBytes, peakRssBytes } = summarize(one);
    const [mean, peak, last] = [meanRssBytes, peakRssBytes, readUsage(pid).rssBytes].map((b) =>
      (b / 2 ** 20).toFixed(0),
    );
    const cpu = `${(100 * cpuShare).toFixed(3)} % of a core`;
    console.log(`${part} | ${name} | ${cpu} | RSS ${mean} MiB, at most ${peak}, at the end ${last}`);
  }
}

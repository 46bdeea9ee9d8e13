import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { DiscardingBackend } from '../../testbed/discarding-backend.ts';
import { readUsage } from '../../testbed/process-usage.ts';
import { quantile } from '../bench.ts';
import type { Contender, ContenderName, ContenderOptions } from './contenders.ts';
import { prepareContenders, startContender } from './contenders.ts';
import { GrpcLoad, sendAll, wireMessage } from './grpc-load.ts';
import type { Payloads } from './payloads.ts';
import { createPayloads } from './payloads.ts';

const usage = `node test/bench/peers/run.ts [--rounds 5] [--only REGEXP] [--short] [--source]

CPU and memory of Framekeeper for OTLP over gRPC, in and out, beside the OpenTelemetry Collector and proxies that look at
nothing: the same bytes, of real encoders, to the same backend, in turns. With --short, few rounds of two rows, and an
exit code of 1 where a ratio is more than twice the documented one. With --source, as src/main.ts and not compiled.
`;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    only: { type: 'string', default: '' },
    short: { type: 'boolean', default: false },
    source: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

/** One row of the table. */
interface Case {
  readonly name: string;
  readonly payload: keyof Payloads;
  readonly isGzip?: boolean;
  readonly otlpProfiles?: ContenderOptions['otlpProfiles'];
  /** Besides Framekeeper. */
  readonly peers: readonly ContenderName[];
  /** Documented ratio of CPU to the Collector's; the short form fails beyond twice as much. */
  readonly documented: number;
  readonly isShort?: boolean;
}

const peers: readonly ContenderName[] = ['collector', 'grpc-js proxy', 'http2 proxy'];
const cases: readonly Case[] = [
  { name: '22 kB, as the profiler writes it', payload: 'small', peers, documented: 0.36, isShort: true },
  { name: '22 kB, gzip in and out', payload: 'small', isGzip: true, peers: ['collector'], documented: 0.65 },
  { name: '22 kB, by Collector 0.164', payload: 'referring', peers: ['collector'], documented: 0.46 },
  { name: '48 kB, real profiler at 97 Hz', payload: 'real', peers: ['collector'], documented: 0.39 },
  { name: '179 kB', payload: 'medium', peers, documented: 0.29, isShort: true },
  { name: '179 kB, rebuilt', payload: 'untidy', peers: ['collector'], documented: 1.05 },
  { name: '179 kB, merged', payload: 'medium', otlpProfiles: 'merge', peers: ['collector'], documented: 0.86 },
  { name: '2.2 MB', payload: 'large', peers, documented: 0.36 },
];

/** V8 still compiles for some 10,000 requests of 22 kB, by threads of its own, whose time would count as the requests'. */
const warmUpRounds = values.short ? 4 : 16;
/** CPU time is told in ticks of 10 ms: a round must take many of them. */
const bytesPerRound = 30_000_000;

interface Measured {
  readonly contender: Contender;
  readonly load: GrpcLoad;
  readonly microseconds: number[];
  peakRssBytes: number;
}

async function runCase(payloads: Payloads, { payload, isGzip = false, peers, ...row }: Case, rounds: number) {
  const backend = await DiscardingBackend.start();
  const messages = payloads[payload].map((bytes) => wireMessage(bytes, isGzip));
  const meanBytes = payloads[payload].reduce((sum, { length }) => sum + length, 0) / messages.length;
  const count = Math.max(8, Math.round(bytesPerRound / (isGzip ? 4 : 1) / (meanBytes + 20_000)));
  const measured: Measured[] = [];
  for (const name of ['framekeeper', ...peers] as const) {
    const options = {
      targetPort: backend.port,
      isGzip,
      main,
      ...(row.otlpProfiles && { otlpProfiles: row.otlpProfiles }),
    };
    const contender = await startContender(name, options);
    measured.push({ contender, load: await GrpcLoad.connect(contender.port), microseconds: [], peakRssBytes: 0 });
  }
  // Compiled code of the steady state is what the documented ratios hold for.
  for (let round = -warmUpRounds; round < rounds; round++) {
    for (const one of measured) {
      const { pid } = one.contender;
      const before = readUsage(pid).cpuMs;
      await sendAll(
        one.load,
        messages,
        count,
        row.otlpProfiles === 'merge' ? { requestCount: Number.POSITIVE_INFINITY } : backend,
      );
      // What waits in a queue is sent, and garbage of the round is paid for in it.
      await sleep(50);
      const { cpuMs, rssBytes } = readUsage(pid);
      one.peakRssBytes = Math.max(one.peakRssBytes, rssBytes);
      if (round >= 0) one.microseconds.push((1000 * (cpuMs - before)) / count);
    }
  }
  for (const { contender, load } of measured) {
    load.close();
    await contender.stop();
  }
  await backend.stop();
  return { measured, meanBytes, ...row };
}

type CaseResult = Awaited<ReturnType<typeof runCase>>;

/** Ratio of Framekeeper's CPU to that of a peer: the median of the rounds' ratios, which the machine's mood spoils least. */
function ratioTo({ measured }: CaseResult, name: ContenderName): number {
  const [own] = measured as [Measured];
  const peer = measured.find(({ contender }) => contender.name === name)!;
  return quantile(
    own.microseconds.map((microseconds, round) => microseconds / peer.microseconds[round]!),
    0.5,
  );
}

function print(result: CaseResult): void {
  const cells = result.measured.map(({ contender, microseconds, peakRssBytes }) => {
    const median = quantile(microseconds, 0.5);
    const spread = (quantile(microseconds, 0.75) - quantile(microseconds, 0.25)) / 2;
    const ratio = contender.name === 'framekeeper' ? '' : ` (${ratioTo(result, contender.name).toFixed(2)} ×)`;
    const rss = `${Math.round(peakRssBytes / 2 ** 20)} MiB`;
    return `${contender.name} ${median.toFixed(0)} ± ${spread.toFixed(0)} µs, ${rss}${ratio}`;
  });
  console.log(`| ${result.name} | ${(result.meanBytes / 1000).toFixed(0)} kB | ${cells.join(' | ')} |`);
}

if (values.help) {
  process.stdout.write(usage);
  process.exit(0);
}
const { main } = await prepareContenders(values.source);
const rounds = values.short ? 3 : Number(values.rounds);
const payloads = await createPayloads();
let isSlow = false;
console.log(
  `Framekeeper beside others (${process.version}, ${rounds} rounds after ${warmUpRounds}, load ${loadavg()[0]!.toFixed(1)})`,
);
for (const one of cases.filter(
  ({ name, isShort = false }) => new RegExp(values.only).test(name) && (isShort || !values.short),
)) {
  const result = await runCase(payloads, one, rounds);
  print(result);
  const ratio = ratioTo(result, 'collector');
  if (ratio > 2 * one.documented) {
    isSlow = true;
    console.log(`  ${ratio.toFixed(2)} × the Collector is more than twice the documented ${one.documented} ×.`);
  }
}
process.exit(values.short && isSlow ? 1 : 0);

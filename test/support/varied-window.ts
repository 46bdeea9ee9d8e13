import { metrics } from '@opentelemetry/api';
import pino from 'pino';
import type { FileMapping, TraceLink } from '../../src/model/frame-batch.ts';
import { frameKinds } from '../../src/model/frame-kind.ts';
import type { Process } from '../../src/model/process.ts';
import type { ProfilesData } from '../../src/otlp/profiles-data.ts';
import { countSamples } from '../../src/otlp/profiles-data.ts';
import { MergeIntoCycle } from '../../src/pipeline/merge-into-cycle.ts';
import { namesOfStore } from '../../src/pipeline/node-names.ts';
import type { CycleReport } from '../../src/reporter/cycle-report.ts';
import type { NativeNames } from '../../src/reporter/native-names.ts';
import { createReporterEvents } from '../../src/reporter/reporter-events.ts';
import { ReportingCycle } from '../../src/reporter/reporting-cycle.ts';
import { TraceIntake } from '../../src/reporter/trace-intake.ts';
import { SymbolStore } from '../../src/symbols/symbol-store.ts';
import { seededRandom } from '../bench/synthetic-profiles.ts';
import { exampleProfiles } from '../interop/example-profiles.ts';
import { goodProfiles } from '../otlp/good-profiles.ts';
import { configOf } from '../symbols/store-harness.ts';
import type { BatchSketch, FrameSketch, SampleSketch } from './batch.ts';
import { batchOf, fileIdOf, offCpu, onCpu, processOf, symbolOf } from './batch.ts';
import { consumer } from './consumer.ts';
import { FakeClock } from './fake-clock.ts';

/**
 * Two reporting cycles over everything that a window can hold: collectors, processes, containers, services, labels, threads, CPUs, links,
 * truncated and empty stacks, mappings, all kinds of frames, inlined functions, code of processes, off-CPU values, values that are
 * not 1, samples from before the cycle, names that come late or never. With `merge`, OTLP requests join the reports. The same at each call.
 */
export async function variedReports({ merge = false } = {}): Promise<readonly ProfilesData[]> {
  const clock = new FakeClock();
  const store = new SymbolStore(configOf({ lifetime: '60s' }), () => 0.5);
  const limits = { maxEvents: 100_000, maxBytes: 1e9, retryDelayMs: 1 };
  const native = new LateNames();
  const intake = new TraceIntake(store, limits, clock, { native });
  const { meter } = silent;
  let ids = 0;
  const createProfileId = (): Uint8Array => new Uint8Array(new Uint32Array(4).fill(++ids).buffer);
  const merged = merge
    ? new MergeIntoCycle({
        names: namesOfStore(store),
        limits,
        window: () => ({ events: 0, bytes: 0 }),
        clock,
        meter,
        createProfileId,
      })
    : undefined;
  const reports: CycleReport[] = [];
  const cycle = new ReportingCycle(
    'reporting_cycle',
    // Room for a third of the events to wait for a name.
    { ...limits, maxEvents: 1200, intervalMs: 5000, jitter: 0, resolveGrace: true, storage: '' },
    {
      symbols: store,
      intake,
      native,
      merged,
      consumers: [consumer((report) => reports.push(report))],
      events: createReporterEvents({ ...silent, clock }, () => intake.stats),
      clock,
      random: () => 0.5,
      createProfileId,
    },
  );
  await cycle.start();
  const random = seededRandom(42);
  for (let tick = 0; tick < 2; tick++) {
    for (let batch = 0; batch < 6; batch++) intake.submit(batchOf(variedBatch(random, batch, clock.unixNano())));
    for (const data of merged === undefined ? [] : [exampleProfiles(), goodProfiles(), exampleProfiles()]) {
      merged?.submit({ data, sampleCount: countSamples(data), scan: { kind: 'not_passable', reason: 'json' } });
    }
    native.isUnderWayNow = tick === 0;
    await clock.advance(5000);
  }
  await cycle.stop(AbortSignal.abort());
  return reports.flatMap(({ data }) => data ?? []);
}

const silent = { meter: metrics.getMeter('silent'), logger: pino({ level: 'silent' }) };

/** Files of this node that name an address in 128 late. */
class LateNames implements NativeNames {
  isUnderWayNow = false;

  need(): void {}

  use(): void {}

  isUnderWay(_owner: unknown, _high: number, addressLow: number): boolean {
    return this.isUnderWayNow && addressLow % 128 === 9;
  }

  reasonOf(): string | undefined {
    return undefined;
  }
}

const files = Array.from({ length: 12 }, (_, number) => fileIdOf(number + 1));
const mappings: readonly (FileMapping | undefined)[] = files.map((fileId, i) =>
  i % 3 === 0
    ? undefined
    : { fileId, start: BigInt(i) * 0x10_0000n, end: BigInt(i + 1) * 0x10_0000n, fileOffset: BigInt(i * 4096) },
);
const processes: readonly Process[] = Array.from({ length: 9 }, (_, i) =>
  processOf(100 + i, {
    namespacePid: i % 4,
    startTimeNano: BigInt(i % 2) * 77n,
    comm: i % 5 === 0 ? '' : `comm-${i % 3}`,
    executablePath: i % 4 === 0 ? '' : `/srv/app-${i % 4}`,
    containerId: i % 3 === 0 ? '' : 'c0ffee'.repeat(i),
    serviceName: i % 4 === 1 ? 'shop ✓' : '',
    labels: new Map(i % 3 === 2 ? [['k8s.pod.name', `pod-${i}`]] : []),
  }),
);
const links: readonly (TraceLink | undefined)[] = [
  undefined,
  { traceId: new Uint8Array(16).fill(5), spanId: new Uint8Array(8).fill(6) },
  { traceId: new Uint8Array(16).fill(5), spanId: new Uint8Array(8).fill(7) },
];
const labelSets: readonly (ReadonlyMap<string, string> | undefined)[] = [
  undefined,
  undefined,
  new Map([['endpoint', '/pay']]),
  new Map([
    ['endpoint', '/pay'],
    ['tenant', 'blå'],
  ]),
];
const types = [onCpu, offCpu, onCpu, { ...onCpu, period: 10_000_000n }];
const kinds = Object.values(frameKinds);

function variedBatch(random: () => number, batch: number, nowUnixNano: bigint): BatchSketch {
  const below = (bound: number): number => Math.floor(random() * bound);
  const stacks = Array.from({ length: 40 }, (_, i) => Array.from({ length: i }, () => variedFrame(below)));
  const samples = Array.from({ length: 150 }, (): SampleSketch => {
    const type = types[below(types.length)]!;
    const count = 1 + below(3);
    // One in a hundred is from before the cycle.
    const at = nowUnixNano + BigInt(below(1_000_000)) - (below(100) === 0 ? 9_000_000_000n : 0n);
    return {
      frames: stacks[below(stacks.length)]!,
      truncated: below(10) === 0,
      process: processes[below(processes.length)]!,
      type,
      threadId: below(4),
      threadName: ['', 'main', 'worker-1 ✓'][below(3)]!,
      cpu: below(4) - 1,
      ...definedOnly({ labels: labelSets[below(labelSets.length)], link: links[below(links.length)] }),
      timestamps: Array.from({ length: count }, (_, i) => at + BigInt(i * 13)),
      ...(type === offCpu || below(8) === 0
        ? { values: Array.from({ length: count }, () => 1n + (BigInt(below(1 << 30)) << BigInt(below(20)))) }
        : {}),
    };
  });
  return {
    collector: {
      instanceId: `${batch % 2}`.repeat(32),
      scopeVersion: `${batch % 2}`,
      resourceAttributes: new Map(batch % 3 === 0 ? [] : [['host.name', `node-${batch % 3}`]]),
    },
    executables: files.slice(batch * 2, batch * 2 + 2).map((fileId, i) => ({
      fileId,
      executable: {
        fileName: i === 0 ? `/usr/lib/lib${batch}.so` : '',
        gnuBuildId: batch % 2 === 0 ? `ab${batch}d` : '',
        goBuildId: batch === 3 ? 'go/id' : '',
        hasHtlHash: batch === 4,
      },
    })),
    symbols: Array.from({ length: 30 }, () => {
      const at = below(files.length * 64);
      const fields = {
        filePath: at % 3 === 0 ? '' : `src/f${at % 7}.c`,
        line: at % 50,
        startLine: at % 4,
        column: at % 5,
      };
      const inlined = at % 6 === 0 ? [symbolOf(`inlined_${at}`, { line: 3 }), symbolOf('deep')] : [];
      const name = symbolOf(`function_${at % 200}`, { ...fields, systemName: at % 4 === 0 ? `_Z${at}` : '', inlined });
      return {
        fileId: files[at % files.length]!,
        addressHigh: at % 8 === 0 ? 0xffff_ffff : 0,
        addressLow: at,
        symbol: name,
      };
    }),
    stubs: processes.slice(batch, batch + 2).map((process, i) => ({
      owner: { process },
      start: BigInt(0x4000 + 64 * i),
      length: 64n,
      kind: 'jit' as const,
      symbol: symbolOf(`stub_${batch}_${i}`),
      tier: '',
    })),
    samples,
  };
}

function variedFrame(below: (bound: number) => number): FrameSketch {
  const at = below(files.length * 64);
  const kind = kinds[below(kinds.length)]!;
  if (below(10) === 0) {
    return { process: processes[below(processes.length)]!, address: BigInt(0x4000 + below(256)), kind };
  }
  const mapping = mappings[at % files.length];
  return {
    file: files[at % files.length]!,
    address: BigInt(at) | (at % 8 === 0 ? 0xffff_ffff_0000_0000n : 0n),
    kind,
    ...definedOnly({ mapping }),
  };
}

function definedOnly<T extends object>(fields: { readonly [Key in keyof T]: T[Key] | undefined }): Partial<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;
}

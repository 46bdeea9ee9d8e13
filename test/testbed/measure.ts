import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runChild } from '../support/child-process.ts';
import { freePorts } from '../support/free-ports.ts';
import { DiscardingBackend } from './discarding-backend.ts';
import type { LoadResult } from './load-generator.ts';
import type { UsageSample, UsageSummary } from './process-usage.ts';
import { summarize, watchUsage } from './process-usage.ts';
import { startService } from './service-under-load.ts';

export interface Measurement {
  readonly name: string;
  readonly isBackendUp: boolean;
  /** Samples a second; 0 for an idle run. */
  readonly rate: number;
  readonly seconds: number;
  readonly intervalMs: number;
  readonly queueBytes?: number | undefined;
  readonly isDurable: boolean;
  /** How many times each recorded program runs; default: 16. */
  readonly copies?: number;
}

export interface Measured {
  readonly usage: UsageSummary;
  readonly samples: readonly UsageSample[];
  /** `undefined` for an idle run. */
  readonly load: LoadResult | undefined;
  /** Samples by what became of them in the service. */
  readonly counted: { readonly sent: number; readonly dropped: number; readonly windowRejected: number };
  readonly requestCount: number;
  readonly receivedBytes: number;
}

const generator = join(import.meta.dirname, 'load-generator.ts');
const watchIntervalMs = 500;
/** A service that has just started is still giving memory back. */
const settleMs = 3_000;

/** A service of its own, watched while a load of its own goes on. */
export async function measure(measurement: Measurement): Promise<Measured> {
  const { isBackendUp, intervalMs, queueBytes, isDurable, rate, seconds } = measurement;
  const backend = isBackendUp ? await DiscardingBackend.start() : undefined;
  // Nobody listens there: every attempt is refused at once, which is the cheapest way to be down.
  const [closedPort] = (await freePorts(1)) as [number];
  const backendPort = backend?.port ?? closedPort;
  const service = await startService({ backendPort, intervalMs, queueBytes, isDurable });
  try {
    const { samples, load } =
      rate === 0 ? await watchIdle(service.pid, seconds) : await watchLoaded(service, measurement);
    const counted = {
      sent: await service.metric('otelcol_exporter_sent_profile_samples'),
      dropped:
        (await service.metric('otelcol_exporter_enqueue_failed_profile_samples')) +
        (await service.metric('otelcol_exporter_send_failed_profile_samples')),
      windowRejected: await service.metric('framekeeper_window_rejected_samples'),
    };
    const { requestCount = 0, receivedBytes = 0 } = backend ?? {};
    return { usage: summarize(samples), samples, load, counted, requestCount, receivedBytes };
  } finally {
    await service.stop();
    await backend?.stop();
  }
}

async function watchIdle(pid: number, seconds: number): Promise<{ samples: UsageSample[]; load: undefined }> {
  await sleep(settleMs);
  const watch = watchUsage(pid, watchIntervalMs);
  await sleep(seconds * 1000);
  return { samples: watch.end(), load: undefined };
}

async function watchLoaded(
  { pid, port }: { readonly pid: number; readonly port: number },
  { rate, seconds, copies = 16 }: Measurement,
): Promise<{ samples: UsageSample[]; load: LoadResult }> {
  const child = runChild(process.execPath, [
    generator,
    ...['--port', String(port), '--rate', String(rate), '--seconds', String(seconds)],
    ...['--copies', String(copies)],
  ]);
  while (!child.output().includes('"ready"')) {
    if (child.hasEnded()) throw new Error(`the load generator ended:\n${child.output()}`);
    await sleep(50);
  }
  const watch = watchUsage(pid, watchIntervalMs);
  const code = await child.ended();
  const samples = watch.end();
  if (code !== 0) throw new Error(`the load generator ended with ${code}:\n${child.output()}`);
  return { samples, load: JSON.parse(child.output().trim().split('\n').at(-1)!) as LoadResult };
}

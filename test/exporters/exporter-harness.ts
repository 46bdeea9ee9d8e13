import { ConfigSection } from '../../src/config/config-section.ts';
import type { ExportClient, Send } from '../../src/exporters/export-client.ts';
import type { OfferResult } from '../../src/exporters/profiles-exporter.ts';
import { QueuedExporter } from '../../src/exporters/queued-exporter.ts';
import { retryTable } from '../../src/exporters/retry-config.ts';
import type { RequestStorage } from '../../src/exporters/sending-queue.ts';
import { sendingQueueTable } from '../../src/exporters/sending-queue-config.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { recordLogs } from '../support/log-recorder.ts';
import { recordMetrics } from '../support/metric-recorder.ts';

export interface TestExporter {
  readonly exporter: QueuedExporter;
  readonly clock: FakeClock;
  readonly logs: ReturnType<typeof recordLogs>;
  readonly values: () => Promise<Map<string, number>>;
  /** Statuses that the exporter reported, with their errors. */
  readonly statuses: string[];
}

interface Rest {
  readonly close?: () => Promise<void>;
  readonly maxRequestBytes?: number | undefined;
  readonly storage?: RequestStorage;
  readonly retry?: Record<string, unknown>;
  readonly retryOnAuthFailure?: boolean;
}

/** Whether an offer was taken. */
export async function isTaken(offer: OfferResult | Promise<OfferResult>): Promise<boolean> {
  return (await offer).kind === 'taken';
}

/** Exporter `otlp/a` with the default retries, whose attempts the test answers. */
export function createExporter(
  send: Send,
  queue: Record<string, unknown> = {},
  { close = async () => {}, maxRequestBytes, storage, retry = {}, retryOnAuthFailure }: Rest = {},
): TestExporter {
  const clock = new FakeClock();
  const logs = recordLogs();
  const { meter, values } = recordMetrics();
  const client: ExportClient = { sendsProtobuf: true, start: async () => {}, send, close };
  const config = {
    timeoutMs: 5000,
    retry: retryTable.read(new ConfigSection('', retry, [])),
    retryOnAuthFailure,
    queue: sendingQueueTable.read(new ConfigSection('', queue, [])),
    ...(maxRequestBytes !== undefined && { maxRequestBytes }),
  };
  const statuses: string[] = [];
  const exporter = new QueuedExporter('otlp/a', client, config, {
    clock,
    logger: logs.logger,
    meter,
    random: () => 0.5,
    storage,
    reportStatus: (status, error) => statuses.push(error === undefined ? status : `${status}: ${error}`),
  });
  return { exporter, clock, logs, values, statuses };
}

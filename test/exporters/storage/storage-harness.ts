import { ConfigSection } from '../../../src/config/config-section.ts';
import type { Send } from '../../../src/exporters/export-client.ts';
import { QueuedExporter } from '../../../src/exporters/queued-exporter.ts';
import { retryTable } from '../../../src/exporters/retry-config.ts';
import { sendingQueueTable } from '../../../src/exporters/sending-queue-config.ts';
import { DurableRequests } from '../../../src/exporters/storage/durable-requests.ts';
import type { DialectName } from '../../../src/profile/dialects/dialect.ts';
import type { SegmentLog } from '../../../src/storage/segment-log.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import type { LogRecorder } from '../../support/log-recorder.ts';
import { recordLogs } from '../../support/log-recorder.ts';
import { recordMetrics } from '../../support/metric-recorder.ts';

export interface StoredExporter {
  readonly exporter: QueuedExporter;
  readonly clock: FakeClock;
  readonly logs: LogRecorder;
  readonly values: () => Promise<Map<string, number>>;
}

/** An exporter `otlp/a` whose queue is in `log`. */
export function createStoredExporter(
  log: SegmentLog,
  send: Send,
  queue: Record<string, unknown> = {},
  dialect: DialectName = 'generic',
): StoredExporter {
  const clock = new FakeClock();
  const logs = recordLogs();
  const { meter, values } = recordMetrics();
  const exporter = new QueuedExporter(
    'otlp/a',
    { sendsProtobuf: true, start: async () => {}, send, close: async () => {} },
    {
      dialect,
      timeoutMs: 5_000,
      retry: retryTable.read(new ConfigSection('', {}, [])),
      queue: sendingQueueTable.read(new ConfigSection('', { storage: 'file_storage', ...queue }, [])),
    },
    {
      clock,
      logger: logs.logger,
      meter,
      random: () => 0.5,
      storage: new DurableRequests('otlp/a', log, { logger: logs.logger, meter, clock }),
    },
  );
  return { exporter, clock, logs, values };
}

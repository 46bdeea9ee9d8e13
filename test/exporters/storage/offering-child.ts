import { writeSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { metrics } from '@opentelemetry/api';
import { pino } from 'pino';
import { ConfigSection } from '../../../src/config/config-section.ts';
import { otlpGrpcTable } from '../../../src/exporters/otlp-grpc/otlp-grpc-config.ts';
import { createOtlpGrpcExporter } from '../../../src/exporters/otlp-grpc/otlp-grpc-exporter.ts';
import { DurableRequests } from '../../../src/exporters/storage/durable-requests.ts';
import { FileStorage } from '../../../src/storage/file-storage.ts';
import { fileStorageTable } from '../../../src/storage/file-storage-config.ts';
import { systemClock } from '../../../src/support/clock.ts';
import { fakeRequest } from '../../support/fake-request.ts';

// Usage: node offering-child.ts DIRECTORY ENDPOINT FIRST COUNT
// Offers requests with the numbers from FIRST on to an exporter with a storage in DIRECTORY, and writes each number that was
// taken as a line. Then it goes on sending until somebody ends it.
const [directory, endpoint, first, count] = process.argv.slice(2);
const logger = pino({ level: 'error' });
const meter = metrics.getMeter('test');
const storage = new FileStorage(
  'file_storage',
  fileStorageTable.read(new ConfigSection('extensions.file_storage', { directory }, [])),
  logger,
  systemClock,
);
await storage.start();
const config = otlpGrpcTable.read(
  new ConfigSection(
    'exporters.otlp_grpc',
    { endpoint, tls: { insecure: true }, retry_on_failure: { initial_interval: '20ms', max_interval: '20ms' } },
    [],
  ),
);
const exporter = createOtlpGrpcExporter('otlp_grpc', config, {
  logger,
  meter,
  clock: systemClock,
  random: Math.random,
  version: '0.0.0',
  storage: new DurableRequests('otlp_grpc', storage.logOf('exporter', 'otlp_grpc'), {
    logger,
    meter,
    clock: systemClock,
  }),
});
await exporter.start();
const requestBytes = 20_000;
for (let number = Number(first); number < Number(first) + Number(count); number++) {
  const { kind } = await exporter.offer(fakeRequest(number, 1, requestBytes));
  if (kind === 'taken') writeSync(1, `${number}\n`);
  await nextTurn();
}
setInterval(() => undefined, 1_000);

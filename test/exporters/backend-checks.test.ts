import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfigProblem } from '../../src/config/config-error.ts';
import { formatProblem } from '../../src/config/config-error.ts';
import { ConfigNotes } from '../../src/config/config-notes.ts';
import { ConfigSection } from '../../src/config/config-section.ts';
import { fileTable } from '../../src/exporters/file/file-config.ts';
import { otlpGrpcTable } from '../../src/exporters/otlp-grpc/otlp-grpc-config.ts';
import { otlpHttpTable } from '../../src/exporters/otlp-http/otlp-http-config.ts';

const tables = { grpc: otlpGrpcTable, http: otlpHttpTable, file: fileTable };

function remarksOn(kind: keyof typeof tables, values: object): string[] {
  const problems: ConfigProblem[] = [];
  const notes = new ConfigNotes();
  const place = kind === 'file' ? { path: 'a' } : { endpoint: 'http://a:1' };
  tables[kind].read(new ConfigSection('x', { ...place, ...values }, problems, notes));
  return [...problems.map(formatProblem), ...notes.warnings];
}

const batch = (values: object): object => ({ dialect: 'pyroscope', sending_queue: { batch: values } });
const lost =
  'x.retry_on_failure.max_elapsed_time: 5m: a request is dropped when an outage lasts longer, although sending_queue.storage keeps it; write "max_elapsed_time: 0s" to keep the start of every outage.';

for (const { kind = 'grpc', values, remarks } of [
  { values: { dialect: 'pyroscope' }, remarks: [] },
  { kind: 'http', values: { dialect: 'pyroscope' }, remarks: [] },
  { values: { dialect: 'parca' }, remarks: [] },
  { values: { dialect: 'elastic', compression: 'zstd' }, remarks: [] },
  {
    values: { dialect: 'pyroscope', compression: 'zstd' },
    remarks: ['x.compression: is "zstd", which pyroscope does not take; write gzip or none.'],
  },
  {
    values: { dialect: 'parca', compression: 'zstd' },
    remarks: ['x.compression: is "zstd", which parca does not take; write gzip or none.'],
  },
  {
    kind: 'http',
    values: { dialect: 'parca' },
    remarks: ['x.dialect: is "parca", which takes OTLP over gRPC alone; use an otlp_grpc exporter.'],
  },
  {
    kind: 'http',
    values: { dialect: 'devfiler' },
    remarks: ['x.dialect: is "devfiler", which takes OTLP over gRPC alone; use an otlp_grpc exporter.'],
  },
  { values: batch({ max_size: 16_000, min_size: 1000 }), remarks: [] },
  {
    values: batch({ max_size: 16_001 }),
    remarks: [
      'x.sending_queue.batch.max_size: is 16001; pyroscope takes profiles of 16000 items at most; write 16000 or less.',
    ],
  },
  {
    values: batch({}),
    remarks: [
      'x.sending_queue.batch.max_size: is 0, which is no bound; pyroscope takes profiles of 16000 items at most; write 16000 or less.',
    ],
  },
  { values: { sending_queue: { storage: 'file_storage' } }, remarks: [lost] },
  { kind: 'file', values: { sending_queue: { storage: 'file_storage' } }, remarks: [lost] },
  {
    values: { sending_queue: { storage: 'file_storage' }, retry_on_failure: { max_elapsed_time: 0 } },
    remarks: [],
  },
  { values: { sending_queue: { storage: 'file_storage' }, retry_on_failure: { enabled: false } }, remarks: [] },
] as readonly { kind?: keyof typeof tables; values: object; remarks: string[] }[]) {
  test(`an exporter over ${kind} with ${JSON.stringify(values)} gets ${remarks.length} remarks`, () => {
    assert.deepEqual(remarksOn(kind, values), remarks);
  });
}

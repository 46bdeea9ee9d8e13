import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfigProblem } from '../../src/config/config-error.ts';
import { ConfigError } from '../../src/config/config-error.ts';
import { ConfigSection } from '../../src/config/config-section.ts';
import { orderedQueueTable, sendingQueueTable } from '../../src/exporters/sending-queue-config.ts';

test('sending_queue has the defaults of the Collector', () => {
  assert.deepEqual(sendingQueueTable.read(new ConfigSection('', undefined, [])), {
    enabled: true,
    numConsumers: 10,
    queueSize: 1000,
    sizer: 'requests',
    storage: '',
    blockOnOverflow: false,
    waitForResult: false,
    batch: undefined,
  });
});

for (const { values, table = sendingQueueTable, message } of [
  { values: { block_on_overflow: true, wait_for_result: true }, message: '' },
  { values: { block_on_overflow: true, storage: 'file_storage' }, message: '' },
  { values: { wait_for_result: 1 }, message: /^q\.wait_for_result: / },
  { values: { storage: 'file_storage/fast' }, message: '' },
  {
    values: { storage: 'a b' },
    message:
      'q.storage: in "a b" id: invalid character(s) in type "a b"; write type or type/name, such as "otlp_grpc" or "otlp_grpc/backend".',
  },
  {
    values: { storage: 'file_storage', wait_for_result: true },
    message:
      'q.wait_for_result: `wait_for_result` is not supported with a persistent queue configured with `storage`; remove one of the two.',
  },
  {
    values: { storage: 'file_storage', enabled: false },
    message: 'q.storage: is "file_storage", but the queue is disabled; remove storage or enabled: false.',
  },
  { values: { sizer: 'profiles' }, message: /^q\.sizer: "profiles" / },
  { values: { queue_size: 0 }, message: /^q\.queue_size: 0 / },
  {
    values: { num_consumers: 2 },
    table: orderedQueueTable,
    message: 'q.num_consumers: is 2, but this exporter keeps the order of requests; remove it or write 1.',
  },
]) {
  test(`sending_queue ${JSON.stringify(values)} is ${message === '' ? 'taken' : 'refused'}`, () => {
    const problems: ConfigProblem[] = [];
    table.read(new ConfigSection('q', values, problems));
    const actual = new ConfigError(problems).message;
    if (typeof message === 'string') assert.equal(actual, message);
    else assert.match(actual, message);
  });
}

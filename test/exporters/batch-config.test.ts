import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfigProblem } from '../../src/config/config-error.ts';
import { ConfigError } from '../../src/config/config-error.ts';
import { ConfigSection } from '../../src/config/config-section.ts';
import { sendingQueueTable } from '../../src/exporters/sending-queue-config.ts';

function read(values: Record<string, unknown>) {
  const problems: ConfigProblem[] = [];
  const { batch } = sendingQueueTable.read(new ConfigSection('q', values, problems));
  return { batch, message: problems.length === 0 ? '' : new ConfigError(problems).message };
}

test('batch is off where it does not stand, and has the defaults of the Collector where it is empty', () => {
  assert.equal(read({}).batch, undefined);
  const defaults = { flushTimeoutMs: 200, minSize: 8192, maxSize: 0, sizer: 'items' };
  assert.deepEqual(read({ batch: {} }), { batch: defaults, message: '' });
  assert.deepEqual(read({ batch: undefined }), { batch: defaults, message: '' });
});

test('batch takes its sizer from a queue that counts items or bytes', () => {
  assert.equal(read({ sizer: 'bytes', queue_size: 1e6, batch: {} }).batch?.sizer, 'bytes');
  assert.equal(read({ sizer: 'items', queue_size: 1e6, batch: {} }).batch?.sizer, 'items');
  assert.equal(read({ sizer: 'bytes', queue_size: 1e6, batch: { sizer: 'items' } }).batch?.sizer, 'items');
});

test('batch has no effect on a queue that is not enabled', () => {
  assert.deepEqual(read({ enabled: false, batch: {} }), { batch: undefined, message: '' });
});

for (const { queue = {}, batch, message } of [
  { batch: { flush_timeout: '1s', min_size: 10, max_size: 10 }, message: '' },
  { batch: { flush_timeout: 0 }, message: 'q.batch.flush_timeout: must be positive; write e.g. 200ms.' },
  { batch: { min_size: -1 }, message: /^q\.batch\.min_size: -1 is out of range/ },
  {
    batch: { sizer: 'requests' },
    message: /^q\.batch\.sizer: "requests" is not known here; write one of items, bytes/,
  },
  {
    batch: { min_size: 10, max_size: 9 },
    message:
      'q.batch.max_size: must be greater than or equal to min_size (10), is 9; raise max_size, lower min_size, or write 0 to send batches of any size.',
  },
  {
    queue: { sizer: 'items' },
    batch: {},
    message:
      'q.batch.min_size: must be less than or equal to queue_size (1000), is 8192; lower min_size or raise queue_size.',
  },
  { batch: { partition: {} }, message: /^q\.batch\.partition: is set, but / },
  { batch: { min_sizes: 1 }, message: /^q\.batch\.min_sizes: unknown key; did you mean "min_size"/ },
]) {
  test(`batch ${JSON.stringify({ ...queue, batch })} is ${message === '' ? 'taken' : 'refused'}`, () => {
    const actual = read({ ...queue, batch }).message;
    if (typeof message === 'string') assert.equal(actual, message);
    else assert.match(actual, message);
  });
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withSharedObservers } from '../../src/support/shared-observers.ts';
import { recordMetrics } from './metric-recorder.ts';

test('equal series of two observers are one: sizes are summed, of times the largest counts', async () => {
  const { meter: plain, values } = recordMetrics();
  const meter = withSharedObservers(plain);
  const gauge = (name: string, unit: string) => meter.createObservableGauge(name, { unit });
  gauge('size', 'By').addCallback((result) => result.observe(1, { part: 'a' }));
  const second = (result: { observe(value: number, attributes: { part: string }): void }): void => {
    result.observe(2, { part: 'a' });
    result.observe(5, { part: 'b' });
  };
  gauge('size', 'By').addCallback(second);
  gauge('age', 's').addCallback((result) => result.observe(7));
  const [age, size] = [gauge('age', 's'), gauge('size', 'By')];
  const batch: Parameters<typeof meter.addBatchObservableCallback>[0] = (result) => {
    result.observe(age, 3);
    result.observe(size, 10, { part: 'a' });
  };
  meter.addBatchObservableCallback(batch, [age, size]);
  const read = async () => {
    const all = await values();
    return [all.get('size{part="a"}'), all.get('age{}')];
  };
  assert.deepEqual(await read(), [13, 7]);
  meter.removeBatchObservableCallback(batch, [age, size]);
  gauge('size', 'By').removeCallback(second);
  assert.deepEqual(await read(), [1, 7]);
});

test('an observer that fails costs its own series alone', async () => {
  const { meter: plain, values } = recordMetrics();
  const meter = withSharedObservers(plain);
  meter.createObservableGauge('bad').addCallback(() => assert.fail('broken'));
  meter.createObservableGauge('good').addCallback((result) => result.observe(1));
  assert.deepEqual([...(await values())], [['good{}', 1]]);
});

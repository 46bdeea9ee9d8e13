import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RepeatedEntries } from '../../../src/receivers/frames/repeated-entries.ts';
import { TextRepairs } from '../../../src/receivers/frames/wire-reader.ts';
import { processOf } from '../../support/batch.ts';

for (const { what, labels, isKept } of [
  { what: 'with a few labels is kept', labels: [['k8s.pod.name', 'checkout-6d5f']], isKept: true },
  {
    what: 'with texts of a megabyte is not',
    labels: Array.from({ length: 20 }, (_, i) => [`label ${i}`, 'x'.repeat(50_000)]),
    isKept: false,
  },
  {
    what: 'with a thousand short labels is not',
    labels: Array.from({ length: 1_000 }, (_, i) => [`${i}`, '']),
    isKept: false,
  },
] as { what: string; labels: [string, string][]; isKept: boolean }[]) {
  test(`a process ${what}, for the next batch that has it`, () => {
    const entries = new RepeatedEntries();
    const read = () => entries.process({ ...processOf(7), labels: new Map(labels) }, new Uint32Array(2));
    const first = read();
    assert.equal(read() === first, isKept);
    assert.deepEqual(read(), first);
  });
}

test('processes of one ID are told apart by either half of their start times', () => {
  const entries = new RepeatedEntries();
  const startTimes = [0n, 1n << 32n, (1n << 32n) | 1n, 1n];
  const read = (startTimeNano: bigint) =>
    entries.process({ ...processOf(7), startTimeNano: 5n }, new Uint32Array(BigUint64Array.of(startTimeNano).buffer));
  for (const startTimeNano of [...startTimes, ...startTimes])
    assert.equal(read(startTimeNano).startTimeNano, startTimeNano);
  assert.equal(read(1n), read(1n));
});

test('two hundred texts are made once, those that meet in a slot among them', () => {
  const entries = new RepeatedEntries();
  const texts = Array.from({ length: 200 }, (_, i) => Buffer.from(`worker-thread-${i}`));
  let madeCount = 0;
  for (const bytes of texts) {
    bytes.toString = (...range) => {
      madeCount++;
      return Buffer.prototype.toString.apply(bytes, range);
    };
  }
  const repairs = new TextRepairs();
  const read = () => texts.map((bytes) => entries.text(bytes, 0, bytes.length, repairs));
  const first = read();
  assert.deepEqual(
    first,
    texts.map((bytes) => bytes.subarray().toString()),
  );
  for (let batch = 0; batch < 5; batch++) assert.deepEqual(read(), first);
  assert.equal(madeCount, 200);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RepeatedEntries } from '../../../src/receivers/frames/repeated-entries.ts';
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
    const read = () => entries.process({ ...processOf(7), labels: new Map(labels) });
    const first = read();
    assert.equal(read() === first, isKept);
    assert.deepEqual(read(), first);
  });
}

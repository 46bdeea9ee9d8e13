import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { SampleKey } from '../../src/reporter/sample-table.ts';
import { SampleTable } from '../../src/reporter/sample-table.ts';

const index = fc.nat(2);
const indexOrNone = fc.integer({ min: -1, max: 1 });
const anyKey: fc.Arbitrary<SampleKey> = fc.record({
  stack: index,
  resource: index,
  profileType: index,
  link: indexOrNone,
  threadId: fc.constantFrom(0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff),
  threadName: index,
  cpu: fc.constantFrom(-1, 0, 1, 0x7fff_ffff, 0xffff_fffe),
  labels: indexOrNone,
});

test('SampleTable numbers samples like a map from all of their parts, and gives the parts back', () => {
  fc.assert(
    fc.property(fc.array(anyKey, { maxLength: 300 }), fc.nat(300), (keys, growsAt) => {
      const table = new SampleTable();
      const model = new Map<string, number>();
      // One object for all, as its callers have it.
      const own = { ...keys[0]! };
      for (const [at, key] of keys.entries()) {
        const text = JSON.stringify(Object.entries(key).sort());
        if (!model.has(text)) model.set(text, model.size);
        assert.equal(table.intern(Object.assign(own, key)), model.get(text));
        if (at === growsAt) [...table.makeRoom(1_000)];
      }
      assert.equal(table.count, model.size);
      for (const key of keys) {
        const sample = table.intern(key);
        const told = Object.keys(key).map((part) => [part, table[part as keyof SampleKey](sample)]);
        assert.deepEqual(Object.fromEntries(told), { ...key });
      }
    }),
    { endOnFailure: true },
  );
});

test('SampleTable tells 300,000 samples apart, and makes room for them in steps', () => {
  const table = new SampleTable();
  const key = {
    ...{ stack: 0, resource: 0, profileType: 0, link: -1 },
    ...{ threadId: 0, threadName: 0, cpu: -1, labels: -1 },
  };
  const addAll = (count: number): void => {
    for (let i = 0; i < count; i++) {
      key.stack = i % 1000;
      key.threadId = Math.floor(i / 1000);
      assert.equal(table.intern(key), i);
    }
  };
  addAll(100_000);
  assert.ok([...table.makeRoom(200_000)].length > 10);
  addAll(300_000);
  assert.equal(table.count, 300_000);
});

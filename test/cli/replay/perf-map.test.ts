import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PerfMap, parsePerfMap } from '../../../src/cli/replay/perf-map.ts';

test('parsePerfMap reads what HotSpot and V8 write, and leaves out half lines', () => {
  const text = [
    '0x00007f6f68ec71a0 0x0000000000000200 void java.lang.System.arraycopy(java.lang.Object, int)',
    '7fd8f27c37c0 378 JS:~prepareMainThreadExecution node:internal/process/pre_execution:52:36',
    '7fd8f27c',
    '7fd8f27c37c0 378 ',
  ].join('\n');
  assert.deepEqual(parsePerfMap(text), [
    { start: 0x7f6f68ec71a0n, size: 0x200n, name: 'void java.lang.System.arraycopy(java.lang.Object, int)' },
    {
      start: 0x7fd8f27c37c0n,
      size: 0x378n,
      name: 'JS:~prepareMainThreadExecution node:internal/process/pre_execution:52:36',
    },
  ]);
});

test('PerfMap gives a later line what it overlaps, and no more', () => {
  const map = new PerfMap([
    { start: 0n, size: 100n, name: 'old' },
    { start: 40n, size: 20n, name: 'new' },
  ]);
  assert.deepEqual(map.ranges, [
    { start: 0n, end: 40n, name: 'old' },
    { start: 40n, end: 60n, name: 'new' },
    { start: 60n, end: 100n, name: 'old' },
  ]);
});

test('PerfMap keeps a line in one piece when an earlier one ends inside it', () => {
  const map = new PerfMap([
    { start: 0n, size: 50n, name: 'old' },
    { start: 10n, size: 90n, name: 'new' },
  ]);
  assert.deepEqual(map.ranges, [
    { start: 0n, end: 10n, name: 'old' },
    { start: 10n, end: 100n, name: 'new' },
  ]);
});

test('PerfMap finds the last line that names an address, whatever overlaps', () => {
  const entry = fc.record({
    start: fc.bigInt(0n, 60n),
    size: fc.bigInt(0n, 20n),
    name: fc.constantFrom('a', 'b', 'c'),
  });
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 12 }), (entries) => {
      const map = new PerfMap(entries);
      for (let address = 0n; address < 85n; address++) {
        const last = entries.findLast(({ start, size }) => address >= start && address < start + size);
        assert.equal(map.find(address)?.name, last?.name);
      }
      for (const [index, range] of map.ranges.entries()) {
        assert.ok(range.start < range.end && range.start >= (map.ranges[index - 1]?.end ?? 0n));
      }
    }),
  );
});

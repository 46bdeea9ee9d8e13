import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { maxPerfMapEntries, PerfMap, PerfMapReader, parsePerfMap } from '../../../src/native/tables/perf-map.ts';

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

test('parsePerfMap joins a name that V8 wrote over several lines, whatever they look like', () => {
  const text = [
    "7f5dc4003d80 358 RegExp.> src: 'HELLO",
    "WORLD' flags: 'sy'",
    "7f5dc40045c0 548 RegExp.> src: '^ ([a-z]+) (\\d+)$' flags: ''",
    "7f5dc4006000 100 RegExp.> src: 'a",
    "beef 10 b' flags: ''",
    "7f5dc4007000 40 JS:*'odd",
    'name /srv/re.js:1:2',
  ].join('\r\n');
  assert.deepEqual(
    parsePerfMap(text).map(({ name }) => name),
    [
      "RegExp.> src: 'HELLO\\nWORLD' flags: 'sy'",
      "RegExp.> src: '^ ([a-z]+) (\\d+)$' flags: ''",
      "RegExp.> src: 'a\\nbeef 10 b' flags: ''",
      "JS:*'odd\\nname /srv/re.js:1:2",
    ],
  );
});

test('parsePerfMap marks a name without an end and reads what follows it', () => {
  const lines = Array.from({ length: 300 }, (_, index) => `${(0x1000 + index).toString(16)} 1 f${index}`);
  const entries = parsePerfMap(["7f00 10 RegExp.> src: 'a", ...lines].join('\n'));
  assert.deepEqual([entries.length, entries[0]?.name], [301, "RegExp.> src: 'a…"]);
});

test('parsePerfMap cuts long names, and leaves out sizes of 0 and what wraps', () => {
  const entries = parsePerfMap(
    `10 10 ${'\u{1f600}'.repeat(5000)}\n10 0 none\nfffffffffffffff0 20 wraps\nfffffffffffffff0 10 ends\n`,
  );
  assert.deepEqual([entries.length, entries[0]!.name.length, entries[0]!.name.isWellFormed()], [2, 4096, true]);
  assert.ok(entries[0]!.name.endsWith('…'));
});

test('PerfMapReader gives the same entries however the file comes in', () => {
  const text = "10 10 a\nhalf\n20 10 RegExp.> src: 'b\nc' flags: ''\n30 10 d";
  fc.assert(
    fc.property(fc.array(fc.nat(text.length), { maxLength: 5 }), (cuts) => {
      const reader = new PerfMapReader();
      const places = [0, ...cuts.sort((a, b) => a - b), text.length];
      const entries = places.flatMap((place, index) => reader.read(text.slice(place, places[index + 1])));
      assert.deepEqual([...entries, ...reader.finish()], parsePerfMap(text));
      assert.equal(reader.leftOutLines, 1);
    }),
  );
});

test('PerfMap takes 130,000 lines for one address', () => {
  const lines = Array.from({ length: 130_000 }, (_, index) => `1000 10 f${index}`);
  const { ranges } = new PerfMap(parsePerfMap(lines.join('\n')));
  assert.deepEqual(ranges, [{ start: 0x1000n, end: 0x1010n, name: 'f129999' }]);
});

test('parsePerfMap keeps the last entries of a map with too many', () => {
  const entries = parsePerfMap(`1000 10 old\n${'1000 10 new\n'.repeat(maxPerfMapEntries)}`);
  assert.deepEqual([entries.length, entries[0]?.name], [maxPerfMapEntries, 'new']);
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

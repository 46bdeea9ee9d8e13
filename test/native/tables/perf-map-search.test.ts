import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PerfMapSearch } from '../../../src/native/tables/perf-map-search.ts';

interface Line {
  readonly start: number;
  readonly size: number;
}

function search(lines: readonly Line[], addresses: readonly number[]): PerfMapSearch {
  const found = new PerfMapSearch(Float64Array.from(addresses));
  lines.forEach(({ start, size }, line) => {
    found.add({ start: BigInt(start), size: BigInt(size), name: `line ${line}` });
  });
  return found;
}

/** The obvious way: each byte has the last line that names it. */
function bytesOf(lines: readonly Line[], length: number): (number | undefined)[] {
  const bytes: (number | undefined)[] = new Array(length).fill(undefined);
  for (const [line, { start, size }] of lines.entries()) bytes.fill(line, start, start + size);
  return bytes;
}

test('each address has the last line that names it, and a range in which all bytes have that line', () => {
  const line = fc.record({ start: fc.nat(60), size: fc.integer({ min: 1, max: 20 }) });
  const property = fc.property(fc.array(line, { maxLength: 12 }), fc.uniqueArray(fc.nat(90)), (lines, places) => {
    const addresses = places.sort((a, b) => a - b);
    const bytes = bytesOf(lines, 100);
    search(lines, addresses).found.forEach((code, index) => {
      const expected = bytes[addresses[index]!];
      assert.equal(code?.name, expected === undefined ? undefined : `line ${expected}`);
      if (code === undefined) return;
      assert.ok(code.start <= addresses[index]! && addresses[index]! < code.end);
      const inRange = bytes.slice(code.start, code.end).map((one) => (one === undefined ? '' : `line ${one}`));
      // Bytes of a line that lie behind a later one in its midst are left out: names are only missing there.
      assert.deepEqual(new Set(inRange), new Set([code.name]));
    });
  });
  fc.assert(property, { endOnFailure: true, numRuns: 2000 });
});

test('code beyond the exact numbers is left out', () => {
  const found = new PerfMapSearch(Float64Array.of(16));
  found.add({ start: 0n, size: 2n ** 53n, name: 'everything' });
  assert.deepEqual(found.found, [undefined]);
});

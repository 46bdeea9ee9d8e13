import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { PassedRequests } from '../../../src/http/live-page/passed-requests.ts';
import { realRequests } from '../../otlp/real-requests.ts';

function takeAll(passed: PassedRequests): Uint8Array[] {
  const taken: Uint8Array[] = [];
  for (let batch = passed.takeBatch(() => true); batch !== undefined; batch = passed.takeBatch(() => true)) {
    taken.push(...batch.requests.map((bytes) => Uint8Array.from(bytes)));
  }
  return taken.reverse();
}

test('the newest requests within the bound come back byte for byte, at any pace and of any size', () => {
  const request = fc.record({
    size: fc.oneof(fc.nat(100), fc.constantFrom(0, 48_000, 131_072, 131_073, 300_000)),
    pauseMs: fc.constantFrom(0, 1, 999, 1_000, 5_000),
  });
  fc.assert(
    fc.property(fc.array(request, { maxLength: 30 }), (requests) => {
      const passed = new PassedRequests(1_000_000);
      let unixMs = 1_767_225_600_000;
      const all = requests.map(({ size, pauseMs }, mark) => {
        const bytes = new Uint8Array(size).fill(mark);
        unixMs += pauseMs;
        passed.add({ bytes, sampleCount: 1, unresolvedFrames: {} }, unixMs);
        return bytes;
      });
      let room = 1_000_000;
      const first = all.findLastIndex(({ length }) => {
        room -= length;
        return room < 0;
      });
      assert.deepEqual(takeAll(passed), all.slice(first + 1));
    }),
    { numRuns: 100 },
  );
});

test('requests of a node that sends seldom are kept in half of their memory, those of one that sends often as they are', () => {
  for (const { pauseMs, mostShare, leastShare } of [
    { pauseMs: 5_000, mostShare: 0.5, leastShare: 0 },
    { pauseMs: 10, mostShare: 1, leastShare: 0.9 },
  ]) {
    const passed = new PassedRequests(2 ** 30);
    const requests = realRequests('profiler');
    let sizeBytes = 0;
    for (const [index, bytes] of requests.entries()) {
      sizeBytes += bytes.length;
      passed.add({ bytes, sampleCount: 1, unresolvedFrames: {} }, 5_000 + pauseMs * index);
    }
    const share = passed.heldBytes / sizeBytes;
    assert.ok(share <= mostShare && share >= leastShare, `${pauseMs} ms: ${share}`);
  }
});

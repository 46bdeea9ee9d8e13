import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import { headerOf, prepareHeaderOf } from '../../src/storage/record-header.ts';

test('a checksum that was made in steps is that of the whole payload', () => {
  const payload = Buffer.alloc(1_000_000, 'some text of a request');
  const steps = prepareHeaderOf(payload);
  let stepCount = 0;
  while (steps.next().done !== true) stepCount++;
  assert.ok(stepCount >= 3, `${stepCount} steps`);
  assert.equal(headerOf([payload], 7).payloadCrc, crc32(payload));
  // What was prepared is not computed again: the bytes of a request never change.
  payload[0]! ^= 1;
  assert.notEqual(headerOf([payload], 7).payloadCrc, crc32(payload));
  assert.equal(headerOf([payload.subarray(0, 3), payload.subarray(3)], 7).payloadCrc, crc32(payload));
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTooLarge } from '../../../src/exporters/otlp-grpc/send-result.ts';
import { status } from '../../../src/grpc/status.ts';

const exhausted = status.RESOURCE_EXHAUSTED;
const sizeBytes = 5_000_000;

for (const { by, code = exhausted, details, limitBytes } of [
  { by: 'Go', details: 'grpc: received message larger than max (5000000 vs. 4194304)', limitBytes: 4194304 },
  {
    by: 'Go, decompressed',
    details: 'grpc: received message after decompression larger than max (5000000 vs. 4194304)',
    limitBytes: 4194304,
  },
  { by: 'C++', details: 'Received message larger than max (5000000 vs. 4194304)', limitBytes: 4194304 },
  { by: 'Node.js', details: 'Received message larger than max (5000000 vs 4194304)', limitBytes: 4194304 },
  {
    by: 'Node.js, decompressed',
    details: 'Received message that decompresses to a size larger than 4194304',
    limitBytes: 4194304,
  },
  { by: 'Java', details: 'gRPC message exceeds maximum size 4194304: 5000000', limitBytes: 4194304 },
  { by: '.NET', details: 'Received message exceeds the maximum configured message size.', limitBytes: undefined },
  { by: 'connect-go', details: 'message size 5000000 is larger than configured max 4194304', limitBytes: 4194304 },
  {
    by: 'tonic',
    code: status.OUT_OF_RANGE,
    details: 'Error, decoded message length too large: found 5000000 bytes, the limit is: 4194304 bytes',
    limitBytes: 4194304,
  },
]) {
  test(`a refusal for size is understood as ${by} writes it`, () => {
    assert.deepEqual(readTooLarge(code, details, sizeBytes), { limitBytes });
  });
}

for (const { what, code = exhausted, details } of [
  { what: 'a full queue', details: 'sending queue is full' },
  { what: 'a quota', details: 'Quota exceeded for quota metric' },
  { what: 'our own limit for a response', details: 'Received message larger than max (9000000 vs 6000000)' },
  { what: 'another code', code: status.INVALID_ARGUMENT, details: 'larger than max (5000000 vs. 4194304)' },
]) {
  test(`${what} is no refusal for size`, () => {
    assert.equal(readTooLarge(code, details, sizeBytes), undefined);
  });
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import fc from 'fast-check';
import { codeName } from '../../../src/exporters/otlp-grpc/retryable-status.ts';
import { readRetryDelayMs } from '../../../src/otlp/protobuf/retry-info.ts';
import { encodeStatus } from '../../support/rpc-status.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

for (const { name, bytes, delayMs } of [
  { name: 'seconds and nanoseconds', bytes: encodeStatus(8, 'busy', 1_500), delayMs: 1500 },
  { name: 'a delay of 0', bytes: encodeStatus(8, 'busy', 0), delayMs: 0 },
  { name: 'nothing from no bytes', bytes: new Uint8Array(), delayMs: undefined },
  { name: 'nothing from a status without details', bytes: hex('0808 1202 6e6f'), delayMs: undefined },
  { name: 'nothing from another detail', bytes: hex('0808 1a05 0a03 612f62'), delayMs: undefined },
  {
    name: 'nothing from bytes that end early',
    bytes: encodeStatus(8, 'busy', 1_500).subarray(0, -1),
    delayMs: undefined,
  },
  { name: 'nothing from an endless varint', bytes: hex('08 ffffffffffffffffffffff'), delayMs: undefined },
]) {
  test(`readRetryDelayMs reads ${name}`, () => assert.equal(readRetryDelayMs(bytes), delayMs));
}

test('readRetryDelayMs takes a negative delay for none', () => {
  assert.equal(readRetryDelayMs(encodeStatus(8, '', -5_000)), 0);
});

test('readRetryDelayMs never throws and never gives less than 0', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const delayMs = readRetryDelayMs(bytes);
      return delayMs === undefined || delayMs >= 0;
    }),
  );
});

test('codeName writes codes as Go does', () => {
  const names = [status.CANCELLED, status.DEADLINE_EXCEEDED, status.UNAVAILABLE, 77].map((code) => codeName(code));
  assert.deepEqual(names, ['Canceled', 'DeadlineExceeded', 'Unavailable', 'Code77']);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { isConnectionLost } from '../../../src/exporters/otlp-grpc/lost-connection.ts';

const noStatus = 'Received RST_STREAM with code 0 (Call ended without gRPC status)';
const clientFault = 'Received RST_STREAM with code 2 triggered by internal client error: Protocol error';

for (const { name, code = status.INTERNAL, details, isAnswered = false, isLost } of [
  { name: 'a call that ended with its connection', details: noStatus, isLost: true },
  { name: 'a call that ended with a fault of HTTP/2', details: clientFault, isLost: true },
  { name: 'an answer that ended without a status', details: noStatus, isAnswered: true, isLost: false },
  {
    name: 'a call that the receiver broke off',
    details: 'Received RST_STREAM with code 2 (Internal server error)',
    isLost: false,
  },
  { name: 'a receiver that says INTERNAL', details: 'the database is gone', isLost: false },
  { name: 'another status', code: status.UNKNOWN, details: noStatus, isLost: false },
]) {
  test(`isConnectionLost says ${isLost ? 'so' : 'no'} of ${name}`, () => {
    assert.equal(isConnectionLost({ code, details }, isAnswered), isLost);
  });
}

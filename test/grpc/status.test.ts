import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseTimeout, percentDecode, percentEncode, statusHeaders } from '../../src/grpc/status.ts';

test('every text comes through a header, which is printable ASCII', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const encoded = percentEncode(text);
      assert.match(encoded, /^[ -~]*$/);
      assert.equal(percentDecode(encoded), text.toWellFormed());
    }),
  );
  assert.equal(percentEncode('100 % für\n'), '100 %25 f%C3%BCr%0A');
});

test('a text that is encoded in part, or wrongly, stays readable', () => {
  assert.equal(percentDecode('50 % of %41 and %FF'), '50 % of A and %FF');
});

test('a status is told with its message and details, as the protocol writes them', () => {
  assert.deepEqual(statusHeaders({ code: 0, details: '' }), { 'grpc-status': '0' });
  assert.deepEqual(statusHeaders({ code: 8, details: 'zu groß', detailsBin: Uint8Array.of(8, 8) }), {
    'grpc-status': '8',
    'grpc-message': 'zu gro%C3%9F',
    'grpc-status-details-bin': 'CAg',
  });
});

for (const { text, ms } of [
  { text: '1H', ms: 3_600_000 },
  { text: '2M', ms: 120_000 },
  { text: '5S', ms: 5_000 },
  { text: '4999m', ms: 4_999 },
  { text: '250000u', ms: 250 },
  { text: '99999999n', ms: 99.999999 },
  { text: '123456789m', ms: undefined },
  { text: '5s', ms: undefined },
  { text: '-1S', ms: undefined },
  { text: '', ms: undefined },
]) {
  test(`grpc-timeout ${JSON.stringify(text)} is ${ms} ms`, () => {
    const read = parseTimeout(text);
    assert.equal(read === undefined ? undefined : Math.round(read * 1e6) / 1e6, ms);
  });
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { errorCodes, Http2Fault } from '../../../src/grpc/http2/frames.ts';
import type { OutgoingHeaders } from '../../../src/grpc/http2/header-codec.ts';
import { HeaderDecoder, HeaderEncoder } from '../../../src/grpc/http2/header-codec.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');

// RFC 7541, C.3 to C.6, without those of another size of the table.
const examples = [
  {
    name: 'requests without Huffman codes (C.3)',
    blocks: [
      '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
      '8286 84be 5808 6e6f 2d63 6163 6865',
      '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65',
    ],
  },
  {
    name: 'requests with Huffman codes (C.4)',
    blocks: [
      '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff',
      '8286 84be 5886 a8eb 1064 9cbf',
      '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
    ],
  },
];

for (const { name, blocks } of examples) {
  test(`the standard's example is read: ${name}`, () => {
    const decoder = new HeaderDecoder();
    const read = blocks.map((block) => ({ ...decoder.decode(hex(block)) }));
    const common = { ':method': 'GET', ':authority': 'www.example.com' };
    assert.deepEqual(read, [
      { ...common, ':scheme': 'http', ':path': '/' },
      { ...common, ':scheme': 'http', ':path': '/', 'cache-control': 'no-cache' },
      { ...common, ':scheme': 'https', ':path': '/index.html', 'custom-key': 'custom-value' },
    ]);
  });
}

test("the standard's example of a table that evicts is read (C.6)", () => {
  const decoder = new HeaderDecoder();
  const read = [
    // A table of 256 bytes, said first.
    '3fe1 01 4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3',
    '4883 640e ffc1 c0bf',
    '88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07',
  ].map((block) => ({ ...decoder.decode(hex(block)) }));
  const date = 'Mon, 21 Oct 2013 20:13:21 GMT';
  const common = { 'cache-control': 'private', location: 'https://www.example.com' };
  assert.deepEqual(read, [
    { ':status': '302', date, ...common },
    { ':status': '307', date, ...common },
    {
      ':status': '200',
      ...{ ...common, date: 'Mon, 21 Oct 2013 20:13:22 GMT', 'content-encoding': 'gzip' },
      'set-cookie': 'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1',
    },
  ]);
});

const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/);
const value = fc.oneof(fc.constantFrom('', 'application/grpc', 'x'), fc.stringMatching(/^[ -~\xa1-\xff]{0,1500}$/));
const blocks = fc.array(
  fc.record({
    headers: fc.dictionary(
      fc.oneof(fc.constantFrom('content-type', 'te', ':path', 'authorization', 'age'), name),
      value,
      {
        maxKeys: 8,
      },
    ),
    tableBytes: fc.option(fc.constantFrom(0, 64, 200, 4096, 65_536), { nil: undefined }),
  }),
  { minLength: 1, maxLength: 12 },
);

/** Entries in the order in which they are sent. */
function protocolFirst(headers: Readonly<Record<string, string>>): [string, string][] {
  const all = Object.entries(headers);
  const isOfProtocol = ([key]: [string, string]): boolean => key.startsWith(':');
  return [...all.filter(isOfProtocol), ...all.filter((entry) => !isOfProtocol(entry))];
}

test('a decoder reads what an encoder has written, block for block, whatever size its table has', () => {
  fc.assert(
    fc.property(blocks, (written) => {
      const encoder = new HeaderEncoder();
      const decoder = new HeaderDecoder();
      for (const { headers, tableBytes } of written) {
        if (tableBytes !== undefined) encoder.setMaxBytes(tableBytes);
        const block = encoder.encode(headers, 9).subarray(9);
        assert.deepEqual(Object.entries(decoder.decode(block)), protocolFirst(headers));
      }
    }),
    { numRuns: 300 },
  );
});

test('headers that come again are a byte each, but for credentials', () => {
  const encoder = new HeaderEncoder();
  const headers: OutgoingHeaders = {
    ':method': 'POST',
    'user-agent': 'Framekeeper',
    'x-team': 'a',
    authorization: 'Bearer a',
  };
  encoder.encode(headers, 0);
  const again = encoder.encode(headers, 0);
  assert.equal(again.length, 3 + 2 + 1 + 'Bearer a'.length);
  // Never indexed, by whom it passes (RFC 7541, 7.1.3).
  assert.equal(again[3], 0x1f);
});

test('headers whose names are digits come behind those of the protocol', () => {
  const block = new HeaderEncoder().encode({ ':method': 'POST', '42': 'a', ':path': '/', te: 'trailers' }, 0);
  const decoder = new HeaderDecoder();
  assert.equal(decoder.decode(block)['42'], 'a');
  assert.equal(decoder.fault, undefined);
});

test('several values are several fields', () => {
  const block = new HeaderEncoder().encode({ 'x-team': ['a', 'b'] }, 0);
  assert.deepEqual({ ...new HeaderDecoder().decode(block) }, { 'x-team': 'a, b' });
});

for (const [name, block, code] of [
  ['an index that leads nowhere', 'be', errorCodes.COMPRESSION_ERROR],
  ['the index 0', '80', errorCodes.COMPRESSION_ERROR],
  ['a text that goes beyond it', '0003 61', errorCodes.COMPRESSION_ERROR],
  ['a number without an end', 'ffff ffff ffff ffff ff', errorCodes.COMPRESSION_ERROR],
  ['a number that is cut off', 'ff', errorCodes.COMPRESSION_ERROR],
  ['a table larger than it may be', '3fe2 1f', errorCodes.COMPRESSION_ERROR],
  ['padding of a whole byte', '0001 61 82 1fff', errorCodes.COMPRESSION_ERROR],
  ['padding that is not ones', '0001 61 81 18', errorCodes.COMPRESSION_ERROR],
  ['the end of a Huffman code', '0001 61 84 ffff ffff', errorCodes.COMPRESSION_ERROR],
] as const) {
  test(`a block with ${name} is refused`, () => {
    assert.throws(
      () => new HeaderDecoder().decode(hex(block)),
      (error) => error instanceof Http2Fault && error.code === code,
    );
  });
}

test('a short block that decodes to much is known as one, and is not kept', () => {
  const decoder = new HeaderDecoder();
  const encoder = new HeaderEncoder();
  decoder.decode(encoder.encode({ 'x-long': 'a'.repeat(900) }, 0));
  assert.equal(decoder.fault, undefined);
  const { length } = decoder.decode(Buffer.alloc(200, 0xbe))['x-long']!;
  assert.ok(length < 65_536, `${length} bytes`);
  assert.equal(decoder.fault, 'too_large');
});

test('bytes of any kind are read or refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        new HeaderDecoder().decode(Buffer.from(bytes));
      } catch (error) {
        assert.ok(error instanceof Http2Fault, String(error));
      }
    }),
    { numRuns: 2000 },
  );
});

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { decompress } from '../../src/receivers/content-encoding.ts';

const maxBytes = 400_000;
const text = Buffer.alloc(20_000, 'profiles of a node ');
const whole = gzipSync(text);
const noise = randomBytes(30_000);

/** `bytes` with another size at its end. */
function claiming(bytes: Buffer, sizeBytes: number): Buffer {
  const changed = Buffer.from(bytes);
  changed.writeUInt32LE(sizeBytes, changed.length - 4);
  return changed;
}

for (const { name, bytes, expected } of [
  { name: 'a short body', bytes: whole, expected: text },
  { name: 'an empty body', bytes: gzipSync(''), expected: Buffer.alloc(0) },
  { name: 'a body of noise', bytes: gzipSync(noise), expected: noise },
  { name: 'a long body', bytes: gzipSync(Buffer.alloc(maxBytes, 7)), expected: Buffer.alloc(maxBytes, 7) },
  {
    name: 'several members',
    bytes: Buffer.concat([whole, gzipSync('end')]),
    expected: Buffer.concat([text, Buffer.from('end')]),
  },
  { name: 'bytes behind the end', bytes: Buffer.concat([whole, Buffer.from('garbage')]), expected: 'damaged' },
  { name: 'more than there may be', bytes: gzipSync(Buffer.alloc(maxBytes + 1)), expected: 'too_large' },
  { name: 'far more than it says', bytes: claiming(gzipSync(Buffer.alloc(maxBytes + 1)), 10), expected: 'damaged' },
  { name: 'a size that is wrong', bytes: claiming(whole, text.length - 1), expected: 'damaged' },
  { name: 'half of a body', bytes: whole.subarray(0, whole.length >> 1), expected: 'damaged' },
  { name: 'no gzip at all', bytes: noise, expected: 'damaged' },
  { name: 'nothing', bytes: Buffer.alloc(0), expected: 'damaged' },
]) {
  test(`gzip: ${name}`, async () => {
    const result = await decompress(bytes, 'gzip', maxBytes);
    if (typeof expected === 'string') assert.equal(result.kind, expected);
    else assert.ok(result.kind === 'whole' && expected.equals(result.bytes));
  });
}

test('a short body is decompressed at once, also where it says that it is far longer', async () => {
  assert.ok(!(decompress(whole, 'gzip', maxBytes) instanceof Promise));
  assert.ok(decompress(claiming(whole, 0xffff_ffff), 'gzip', maxBytes) instanceof Promise);
  // A size of which memory would be made must be one that could be true.
  assert.ok(decompress(gzipSync(Buffer.alloc(300_000)), 'gzip', maxBytes) instanceof Promise);
  assert.deepEqual(gunzipSync(whole), text);
});

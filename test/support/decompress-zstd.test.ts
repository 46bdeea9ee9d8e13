import assert from 'node:assert/strict';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { constants, createZstdCompress, zstdCompressSync } from 'node:zlib';
import { decompressZstd } from '../../src/support/decompress-zstd.ts';

const frame = (text: string): Buffer => zstdCompressSync(Buffer.from(text));
/** A frame that decoders pass over: RFC 8878, 3.1.2. */
const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);

for (const { name, bytes, expected } of [
  { name: 'one frame', bytes: frame('one'), expected: 'one' },
  { name: 'an empty frame', bytes: frame(''), expected: '' },
  { name: 'several frames', bytes: Buffer.concat([frame('one '), frame(''), frame('two')]), expected: 'one two' },
  { name: 'frames to be skipped', bytes: Buffer.concat([skippable, frame('one'), skippable]), expected: 'one' },
]) {
  test(`decompressZstd reads ${name}`, async () => {
    assert.equal(Buffer.from(await decompressZstd(bytes, 100)).toString(), expected);
  });
}

for (const { name, bytes } of [
  { name: 'nothing', bytes: Buffer.alloc(0) },
  { name: 'half a frame', bytes: frame('one').subarray(0, 9) },
  { name: 'a frame and half of one', bytes: Buffer.concat([frame('one'), frame('two').subarray(0, 9)]) },
  { name: 'a frame and something else', bytes: Buffer.concat([frame('one'), Buffer.from('something else')]) },
]) {
  test(`decompressZstd refuses ${name}`, async () => {
    await assert.rejects(decompressZstd(bytes, 100));
  });
}

test('decompressZstd stops at the bound, counted over all frames', async () => {
  const bomb = Buffer.concat([frame('x'.repeat(60)), frame('y'.repeat(40))]);
  assert.equal((await decompressZstd(bomb, 100)).length, 100);
  await assert.rejects(decompressZstd(bomb, 99), { code: 'ERR_BUFFER_TOO_LARGE' });
  await assert.rejects(decompressZstd(Buffer.concat([bomb, frame('z')]), 100), { code: 'ERR_BUFFER_TOO_LARGE' });
});

test('decompressZstd takes no window far beyond the bound', async () => {
  const withWindowOf = async (windowLog: number): Promise<Buffer> => {
    // In two writes, because a frame of known size gets no larger window than that.
    const stream = createZstdCompress({ params: { [constants.ZSTD_c_windowLog]: windowLog } });
    stream.write('some ');
    stream.end('text');
    return buffer(stream);
  };
  assert.equal(Buffer.from(await decompressZstd(await withWindowOf(23), 100)).toString(), 'some text');
  await assert.rejects(decompressZstd(await withWindowOf(27), 100), { code: 'ERR_BUFFER_TOO_LARGE' });
  assert.equal((await decompressZstd(await withWindowOf(27), 1 << 27)).length, 9);
});

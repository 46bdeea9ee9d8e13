import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ownPages, release } from '../../../src/native/elf/byte-source.ts';

test('a large array is mapped, which an array that may be resized is, and a small one is not', () => {
  const [small, large] = [ownPages(131_071), ownPages(131_072)];
  assert.deepEqual([small.resizable, large.resizable], [false, true]);
  assert.deepEqual([small.byteLength, large.byteLength], [131_071, 131_072]);
});

test('an array that is released has no memory, mapped or not', () => {
  for (const buffer of [ownPages(64), ownPages(1_048_576)]) {
    const array = new Uint8Array(buffer);
    release(array);
    assert.deepEqual([array.length, buffer.detached, buffer.maxByteLength], [0, true, 0]);
  }
});

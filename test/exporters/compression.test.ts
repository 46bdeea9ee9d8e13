import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { compress, compressUnasked } from '../../src/exporters/compression.ts';

for (const { compression, level, decompress } of [
  { compression: 'gzip', level: 4, decompress: gunzipSync },
  { compression: 'gzip', level: 9, decompress: gunzipSync },
  { compression: 'zstd', level: 3, decompress: zstdDecompressSync },
  { compression: 'zstd', level: 19, decompress: zstdDecompressSync },
] as const) {
  test(`${compression} of level ${level} compresses short and long messages, also those that become longer`, async () => {
    for (const sizeBytes of [0, 1, 5_000, 64 * 1024, 64 * 1024 + 1, 96 * 1024 + 1, 300_000]) {
      for (const message of [Buffer.alloc(sizeBytes, 'profile'), randomBytes(sizeBytes)]) {
        assert.ok(decompress(await compress(message, compression, level)).equals(message));
      }
    }
  });
}

test('a short message is compressed at once, and a long one lets others have their turn', async () => {
  assert.ok(compress(Buffer.alloc(96 * 1024), 'gzip', 4) instanceof Uint8Array);
  assert.ok(compress(Buffer.alloc(96 * 1024 + 1), 'gzip', 4) instanceof Promise);
  assert.ok(compress(Buffer.alloc(64 * 1024), 'gzip', 5) instanceof Uint8Array);
  assert.ok(compress(Buffer.alloc(64 * 1024 + 1), 'gzip', 5) instanceof Promise);
  assert.ok(compress(Buffer.alloc(96 * 1024), 'zstd', 3) instanceof Uint8Array);
  assert.ok(compress(Buffer.alloc(1_000), 'zstd', 19) instanceof Promise);
});

test('gRPC has less effort for large messages, which are nearly all timestamps', async () => {
  // Byte 8 of a gzip header is 4 for the fastest level, and 0 for those between (RFC 1952, 2.3.1).
  for (const { sizeBytes, effort } of [
    { sizeBytes: 1024 * 1024, effort: 0 },
    { sizeBytes: 1024 * 1024 + 1, effort: 4 },
  ]) {
    const message = Buffer.alloc(sizeBytes, 'profile');
    const compressed = await compressUnasked(message, 'gzip');
    assert.equal(compressed[8], effort);
    assert.ok(gunzipSync(compressed).equals(message));
  }
  const message = Buffer.alloc(1_000, 'profile');
  assert.ok(zstdDecompressSync(await compressUnasked(message, 'zstd')).equals(message));
});

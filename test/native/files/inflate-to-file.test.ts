import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { deflateSync, zstdCompressSync } from 'node:zlib';
import type { ByteSource } from '../../../src/native/elf/byte-source.ts';
import { MemorySource, readBytes, UnreadableBytes } from '../../../src/native/elf/byte-source.ts';
import { InflatedFiles } from '../../../src/native/files/inflate-to-file.ts';

const maxBytes = 64 * 1024 * 1024;
/** Half of it is the same again, so that it can be compressed. */
const section = Buffer.concat(Array.from({ length: 256 }, () => [randomBytes(32_768), Buffer.alloc(32_768)]).flat());
const compressed = { zlib: deflateSync(section, { level: 1 }), zstd: zstdCompressSync(section) } as const;

for (const compression of ['zlib', 'zstd'] as const) {
  test(`a section of ${compression} is in its file as it was, and took no memory of its size on the way`, async (t) => {
    const whole = new MemorySource(compressed[compression]);
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    const watched: ByteSource = {
      sizeBytes: whole.sizeBytes,
      read: (target, position) => {
        most = Math.max(most, process.memoryUsage().arrayBuffers - before);
        whole.read(target, position);
      },
    };
    const source = await inflaterOf(t).inflate({ compressed: watched, compression, sizeBytes: section.length });
    assert.ok(section.equals(readBytes(source, 0, source.sizeBytes)));
    assert.ok(most < section.length / 8, `${most} of ${section.length} bytes`);
  });

  test(`a section of ${compression} that is damaged, cut or of another size is unreadable`, async (t) => {
    const { inflate } = inflaterOf(t);
    const bytes = compressed[compression];
    const damaged = Buffer.from(bytes).fill(0xff, 100_000, 200_000);
    const cases: [Uint8Array, number][] = [
      [damaged, section.length],
      [bytes.subarray(0, bytes.length / 2), section.length],
      [bytes, section.length - 1],
      [bytes, section.length + 1],
    ];
    for (const [content, sizeBytes] of cases) {
      const from = new MemorySource(content);
      await assert.rejects(inflate({ compressed: from, compression, sizeBytes }), UnreadableBytes);
    }
  });
}

test('a section whose file ends while it is read is unreadable', async (t) => {
  const whole = new MemorySource(compressed.zlib);
  const read: ByteSource['read'] = (target, position) => {
    if (position > 1_000_000) throw new UnreadableBytes('the file ended');
    whole.read(target, position);
  };
  const inflating = inflaterOf(t).inflate({
    ...{ compressed: { sizeBytes: whole.sizeBytes, read }, compression: 'zlib', sizeBytes: section.length },
  });
  await assert.rejects(inflating, /the file ended/);
});

function inflaterOf(t: TestContext): InflatedFiles {
  const files = new InflatedFiles(tmpdir(), maxBytes);
  t.after(() => files.close());
  return files;
}

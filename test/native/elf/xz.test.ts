import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { UnreadableBytes } from '../../../src/native/elf/byte-source.ts';
import { decompressXz } from '../../../src/native/elf/xz.ts';
import { seededRandom } from '../../soak/seeded-random.ts';
import { fixtureBytes, fixturePath } from '../open-fixture.ts';

const plain = readFileSync(fixturePath('source/chain.c'));

for (const name of ['six', 'contexts', 'blocks', 'check', 'repeats']) {
  test(`a file that xz made is what it was before: ${name}`, () => {
    const expected = name === 'repeats' ? fixtureBytes('go-stripped.elf.gz').subarray(0, 300_000) : plain;
    assert.deepEqual(Buffer.from(decompressXz(fixtureBytes(`xz/${name}.xz`), 2 ** 24)), Buffer.from(expected));
  });
}

test('an output beyond the bound is refused before it is made', () => {
  const before = process.memoryUsage().arrayBuffers;
  // 64 MB of zeros in ten thousand bytes.
  assert.throws(() => decompressXz(fixtureBytes('xz/bomb.xz'), 1_000_000), UnreadableBytes);
  assert.ok(process.memoryUsage().arrayBuffers - before < 8_000_000);
});

test('damaged files are refused or read, and nothing else', () => {
  const random = seededRandom(3);
  const whole = fixtureBytes('xz/six.xz');
  for (let run = 0; run < 2000; run++) {
    const bytes = Buffer.from(whole);
    for (let left = 1 + Math.floor(random() * 4); left > 0; left--)
      bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
    const cut = random() < 0.2 ? bytes.subarray(0, Math.floor(random() * bytes.length)) : bytes;
    try {
      decompressXz(cut, 1_000_000);
    } catch (error) {
      assert.ok(error instanceof UnreadableBytes, String(error));
    }
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ByteCursor, maxTextBytes } from '../../../src/native/elf/byte-cursor.ts';
import { MemorySource, UnreadableBytes } from '../../../src/native/elf/byte-source.ts';

function cursorOf(bytes: readonly number[] | Uint8Array, windowBytes?: number): ByteCursor {
  return new ByteCursor(new MemorySource(Uint8Array.from(bytes)), windowBytes);
}

/** LEB128 as the specification says it, over BigInt. */
function encodeLeb(value: bigint, isSigned: boolean): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; ) {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    const isLast = isSigned ? (rest === 0n && (low & 0x40) === 0) || (rest === -1n && (low & 0x40) !== 0) : rest === 0n;
    bytes.push(isLast ? low : low | 0x80);
    if (isLast) return bytes;
  }
}

test('LEB128 numbers below 2^53 are exact, and those above mean the same as addends of 64 bits', () => {
  fc.assert(
    fc.property(fc.bigInt(0n, 2n ** 64n - 1n), (value) => {
      const read = cursorOf(encodeLeb(value, false)).uleb();
      const expected = value < 2n ** 49n ? value : BigInt.asIntN(64, value);
      assert.equal(read, Number(expected));
    }),
  );
  fc.assert(
    fc.property(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), (value) => {
      assert.equal(cursorOf(encodeLeb(value, true)).sleb(), Number(value));
    }),
  );
});

test('a LEB128 number that does not end is refused after ten bytes', () => {
  for (const read of [(cursor: ByteCursor) => cursor.uleb(), (cursor: ByteCursor) => cursor.sleb()]) {
    assert.throws(() => read(cursorOf(new Array<number>(64).fill(0x80))), UnreadableBytes);
  }
  assert.throws(() => cursorOf(new Array<number>(64).fill(0xff)).skipLeb(), UnreadableBytes);
});

test('numbers are the same whatever the window, also where one lies on its border', () => {
  const bytes = Uint8Array.from({ length: 200 }, (_, index) => (index * 37) & 0xff);
  const view = new DataView(bytes.buffer);
  fc.assert(
    fc.property(fc.integer({ min: 16, max: 64 }), fc.array(fc.constantFrom(1, 2, 3, 4, 8)), (window, sizes) => {
      const cursor = cursorOf(bytes, window);
      let at = 0;
      for (const size of sizes) {
        if (at + size > bytes.length) return;
        const read = size === 3 ? cursor.u24() : cursor.unsigned(size);
        let expected = 0n;
        for (let i = size - 1; i >= 0; i--) expected = expected * 256n + BigInt(view.getUint8(at + i));
        assert.equal(read, Number(expected));
        at += size;
        assert.equal(cursor.position, at);
      }
    }),
  );
});

test('every read past the end is refused, and so is every skip', () => {
  const reads: Record<string, (cursor: ByteCursor) => unknown> = {
    u8: (cursor) => cursor.u8(),
    u16: (cursor) => cursor.u16(),
    u24: (cursor) => cursor.u24(),
    u32: (cursor) => cursor.u32(),
    u64: (cursor) => cursor.u64(),
    uleb: (cursor) => cursor.uleb(),
    sleb: (cursor) => cursor.sleb(),
    text: (cursor) => cursor.text(),
    skipText: (cursor) => cursor.skipText(),
    skip: (cursor) => cursor.skip(1),
    backwards: (cursor) => cursor.skip(-1),
    bytes: (cursor) => cursor.bytes(1),
  };
  for (const [name, read] of Object.entries(reads)) {
    const cursor = cursorOf(new Uint8Array(100).fill(0xff));
    cursor.seek(40, 40);
    assert.throws(() => read(cursor), UnreadableBytes, name);
  }
  assert.throws(() => cursorOf([1]).seek(2), UnreadableBytes);
  assert.throws(() => cursorOf([1]).seek(Number.NaN), UnreadableBytes);
});

test('a text ends at its zero, also over windows, and is refused beyond its bound', () => {
  const long = 'ü'.repeat(100);
  const cursor = cursorOf([...Buffer.from(`${long}\0end\0`)], 16);
  assert.deepEqual([cursor.text(), cursor.text(), cursor.isAtEnd], [long, 'end', true]);
  assert.throws(() => cursorOf(new Uint8Array(maxTextBytes + 10).fill(0x61)).text(), UnreadableBytes);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { frameMessage, MessageReader } from '../../src/grpc/message-reader.ts';
import { BufferPool } from '../../src/support/buffer-pool.ts';

test('messages come out as they went in, however their bytes were cut', () => {
  const messages = fc.array(
    fc.record({ body: fc.uint8Array({ maxLength: 40 }), isCompressed: fc.boolean() }, { noNullPrototype: true }),
  );
  const cuts = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 });
  fc.assert(
    fc.property(messages, cuts, (sent, sizes) => {
      const bytes = Buffer.concat(sent.map(({ body, isCompressed }) => frameMessage(body, isCompressed)));
      const reader = new MessageReader(100);
      const read: { body: Uint8Array; isCompressed: boolean }[] = [];
      let offset = 0;
      for (let cut = 0; offset < bytes.length; cut++) {
        const size = sizes[cut % sizes.length]!;
        reader.push(bytes.subarray(offset, offset + size));
        offset = Math.min(bytes.length, offset + size);
        for (let next = reader.next(); next !== undefined; next = reader.next()) {
          assert.equal(next.kind, 'message');
          if (next.kind === 'message') read.push({ body: new Uint8Array(next.bytes), isCompressed: next.isCompressed });
        }
        const takenBytes = read.reduce((sum, { body }) => sum + body.length + 5, 0);
        assert.equal(reader.heldBytes, offset - takenBytes);
      }
      assert.deepEqual(read, sent);
      assert.equal(reader.pieceCount, 0);
    }),
  );
});

test('a message does not share memory with the bytes that it came in', () => {
  const reader = new MessageReader(100);
  const frame = frameMessage(Buffer.from('first'));
  reader.push(frame);
  const read = reader.next();
  frame.fill(0);
  assert.deepEqual(read, { kind: 'message', bytes: Buffer.from('first'), isCompressed: false });
});

test('pieces that are kept are copies: who lent them may do anything with them', () => {
  const sent = Buffer.alloc(300_000, 'some bytes of a message of any size');
  for (const { sizes, hasRoom } of [
    { sizes: [3, 30_000], hasRoom: false },
    { sizes: [3, 30_000], hasRoom: true },
    { sizes: [10_000, 100, 5_000], hasRoom: false },
    { sizes: [1, 1, 1, 1, 1, 1], hasRoom: true },
  ]) {
    const bytes = frameMessage(sent);
    const reader = new MessageReader(sent.length, undefined, { hasRoomFor: () => hasRoom });
    for (let offset = 0, cut = 0; offset < bytes.length; cut++) {
      const piece = Buffer.from(bytes.subarray(offset, offset + (sizes[cut] ?? 8_000)));
      offset += piece.length;
      reader.push(piece);
      const read = reader.next();
      if (read?.kind === 'message') assert.ok(read.bytes.equals(sent), `${sizes}`);
      reader.keep();
      piece.fill('?');
    }
    assert.deepEqual([reader.heldBytes, reader.pieceCount], [0, 0]);
  }
});

test('a piece of which a part is taken is kept from there on, once', () => {
  const bytes = Buffer.concat(['first', 'second', 'third'].map((text) => frameMessage(Buffer.from(text))));
  const reader = new MessageReader(100);
  reader.push(bytes);
  const texts = [textOf(reader)];
  reader.keep();
  bytes.fill('?');
  texts.push(textOf(reader));
  reader.keep();
  texts.push(textOf(reader), textOf(reader));
  assert.deepEqual(texts, ['first', 'second', 'third', undefined]);
});

function textOf(reader: MessageReader): string | undefined {
  const read = reader.next();
  return read?.kind === 'message' ? read.bytes.toString() : undefined;
}

test('memory of a large message is taken at its first piece where there is room for it', () => {
  const bytes = frameMessage(Buffer.alloc(100_000));
  for (const { mostBytes, begunAt } of [
    { mostBytes: 100_000, begunAt: 20_000 },
    { mostBytes: 99_999, begunAt: 60_000 },
  ]) {
    const reader = new MessageReader(100_000, undefined, { hasRoomFor: (sizeBytes) => sizeBytes <= mostBytes });
    let pushedBytes = 0;
    while (reader.memoryBytes < 100_000) {
      reader.push(bytes.subarray(pushedBytes, pushedBytes + 20_000));
      pushedBytes += 20_000;
      reader.next();
      reader.keep();
    }
    assert.equal(pushedBytes, begunAt);
  }
});

for (const { name, prefix, fault } of [
  { name: 'a length beyond the limit', prefix: [0, 0, 0, 0, 101], fault: { kind: 'too_large', sizeBytes: 101 } },
  {
    name: 'the longest length there is',
    prefix: [1, 255, 255, 255, 255],
    fault: { kind: 'too_large', sizeBytes: 4_294_967_295 },
  },
  { name: 'a flag that is neither 0 nor 1', prefix: [2, 0, 0, 0, 1], fault: { kind: 'bad_flag', flag: 2 } },
]) {
  test(`${name} is told before any byte of the message has come`, () => {
    const reader = new MessageReader(100);
    reader.push(Buffer.from(prefix.slice(0, 4)));
    assert.equal(reader.next(), undefined);
    reader.push(Buffer.from(prefix.slice(4)));
    assert.deepEqual(reader.next(), fault);
  });
}

test('a large message is copied as its pieces come, once half of it is there, and what follows it is read', () => {
  const large = Buffer.alloc(6_000_000, 'some bytes of a large message');
  const bytes = Buffer.concat([frameMessage(large), frameMessage(Buffer.from('next'))]);
  const pieceBytes = 16_384;
  const reader = new MessageReader(large.length);
  const read: Buffer[] = [];
  const pieceCounts: number[] = [];
  for (let offset = 0; offset < bytes.length; offset += pieceBytes) {
    reader.push(bytes.subarray(offset, offset + pieceBytes));
    for (let next = reader.next(); next !== undefined; next = reader.next()) {
      if (next.kind === 'message') read.push(next.bytes);
    }
    const takenBytes = read.reduce((sum, taken) => sum + taken.length + 5, 0);
    assert.equal(reader.heldBytes, Math.min(offset + pieceBytes, bytes.length) - takenBytes);
    pieceCounts.push(reader.pieceCount);
  }
  assert.ok(read[0]!.equals(large));
  assert.deepEqual(read.slice(1), [Buffer.from('next')]);
  assert.equal(Math.max(...pieceCounts), Math.floor(large.length / 2 / pieceBytes));
});

test('memory of a message that has begun counts as a whole, is at most twice what came, and is used again when the message is let go of', () => {
  const sizeBytes = 300_000;
  const buffers = new BufferPool(1 << 20);
  const known = buffers.take(sizeBytes);
  buffers.giveBack(known);
  const reader = new MessageReader(sizeBytes, buffers);
  const bytes = frameMessage(Buffer.alloc(sizeBytes));
  for (let offset = 0; offset < sizeBytes; offset += 10_000) {
    reader.push(bytes.subarray(offset, offset + 10_000));
    assert.equal(reader.next(), undefined);
    const isBegun = offset + 10_000 >= 5 + sizeBytes / 2;
    assert.equal(reader.memoryBytes, isBegun ? sizeBytes + 5 : offset + 10_000);
  }
  assert.notEqual(buffers.take(sizeBytes).buffer, known.buffer);
  reader.drop();
  assert.equal(reader.memoryBytes, 0);
  assert.equal(buffers.take(sizeBytes).buffer, known.buffer);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import fc from 'fast-check';
import { MemoryShortage } from '../../../src/model/memory-shortage.ts';
import { encodeProfilesData } from '../../../src/otlp/protobuf/encode-profiles-data.ts';
import { mergeProfiles } from '../../../src/profile/join/profiles-joiner.ts';
import { decodeMessage } from '../../../src/receivers/otlp/decode-message.ts';
import type { ReadMessage } from '../../../src/receivers/otlp/message-reader.ts';
import { MessageReader } from '../../../src/receivers/otlp/message-reader.ts';
import { goodProfiles } from '../../otlp/good-profiles.ts';
import { profilesApart } from '../../otlp/sound-profiles.ts';
import { orphans, withOrphans } from '../../otlp/with-orphans.ts';
import { withLists } from '../../support/with-lists.ts';

test('a message with orphans is read as its decoder and the check of its references have it', () => {
  const reader = new MessageReader();
  let sound = 0;
  fc.assert(
    fc.property(profilesApart, orphans, fc.boolean(), (data, names, isVersionDeclared) => {
      const bytes = encodeProfilesData(withOrphans(mergeProfiles([data]), names));
      const content = { encoding: 'protobuf', bytes, isVersionDeclared } as const;
      const found = reader.scan(content)!;
      if (!('reason' in found) || found.profiles === undefined) return;
      sound++;
      const { scan, data: decoded, ...counts } = reader.decode(content, found);
      assert.deepEqual(scan, { kind: 'not_passable', reason: 'orphan' });
      const { data: expected, ...plain } = decodeMessage(content, Number.POSITIVE_INFINITY);
      assert.deepEqual(withLists(decoded), withLists(expected));
      assert.deepEqual(counts, plain);
    }),
    { numRuns: 300, endOnFailure: true },
  );
  assert.ok(sound > 30, `${sound} sound`);
});

test('columns of large messages are lent again once they came back, to one message at a time', () => {
  const reader = new MessageReader();
  const bytes = largeMessage();
  const read = () => {
    const found = reader.scan({ encoding: 'protobuf', bytes: bytes.slice(), isVersionDeclared: true })!;
    assert.ok('scan' in found && found.scan.kind === 'passable' && found.isLarge === true);
    return { message: found, columns: found.scan.profiles.columns };
  };
  const [first, second, third] = [read(), read(), read()];
  const known = new Set([first.columns, second.columns, third.columns]);
  assert.equal(known.size, 3);
  first.message.release?.('columns');
  second.message.release?.('columns');
  third.message.release?.('columns');
  const [fourth, fifth, sixth] = [read(), read(), read()];
  assert.deepEqual(
    [fourth, fifth, sixth].map(({ columns }) => known.has(columns)),
    [true, false, false],
  );
  assert.notEqual(fourth.columns, fifth.columns);
});

test('a message for which memory is too short keeps no columns for which others would wait', (t) => {
  const reader = new MessageReader();
  const data = goodProfiles();
  for (let i = 0; i < 100_000; i++) data.dictionary.stringTable.push(`#${i}`);
  const bytes = encodeProfilesData(data);
  t.after(() => setFlagsFromString('--wasm-max-mem-pages=65536'));
  setFlagsFromString('--wasm-max-mem-pages=32');
  assert.throws(() => reader.scan({ encoding: 'protobuf', bytes, isVersionDeclared: true }), MemoryShortage);
  assert.ok(!reader.isBusy(bytes.length));
});

test('long messages wait while the columns of a large one are lent, short ones do not', async () => {
  const reader = new MessageReader();
  const bytes = largeMessage();
  const read = () => reader.scan({ encoding: 'protobuf', bytes, isVersionDeclared: true }) as ReadMessage;
  assert.ok(!reader.isBusy(bytes.length));
  const first = read();
  assert.deepEqual([reader.isBusy(bytes.length), reader.isBusy(1_000)], [true, false]);
  const order: string[] = [];
  const waiting = ['a', 'b'].map((name) => reader.untilFree().then(() => order.push(name)));
  await setImmediate();
  assert.deepEqual(order, []);
  first.release?.('columns');
  await Promise.all(waiting);
  assert.deepEqual(order, ['a', 'b']);
  assert.ok(!reader.isBusy(bytes.length));
});

test('messages that wait sleep while one of them has the columns', async () => {
  const reader = new MessageReader();
  const bytes = largeMessage();
  const read = () => reader.scan({ encoding: 'protobuf', bytes, isVersionDeclared: true }) as ReadMessage;
  let lent = read();
  let woken = 0;
  let done = 0;
  const wait = async (): Promise<void> => {
    do {
      await reader.untilFree();
      woken++;
    } while (reader.isBusy(bytes.length));
    lent = read();
    done++;
  };
  const waiting = [wait(), wait(), wait()];
  for (let turn = 1; turn <= 3; turn++) {
    lent.release?.('columns');
    for (let i = 0; i < 20; i++) await setImmediate();
    assert.deepEqual([done, woken], [turn, turn]);
  }
  await Promise.all(waiting);
});

/** A message whose locations are too many to be looked through at once. */
function largeMessage(): Uint8Array {
  const data = goodProfiles();
  const { locationTable, stackTable } = data.dictionary;
  for (let i = 0; i < 9_000; i++) {
    locationTable.push({ mappingIndex: 1, address: BigInt(0x10_0000 + i), lines: [], attributeIndices: [] });
    stackTable[1]!.locationIndices.push(locationTable.length - 1);
  }
  return encodeProfilesData(data);
}

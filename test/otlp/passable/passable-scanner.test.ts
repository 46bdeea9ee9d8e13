import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { PairSet } from '../../../src/otlp/passable/pair-set.ts';
import { PassableScanner } from '../../../src/otlp/passable/passable-scanner.ts';
import { encodeProfilesData } from '../../../src/otlp/protobuf/encode-profiles-data.ts';
import { passingProfiles } from '../../bench/passing-profiles.ts';
import { goodProfiles } from '../good-profiles.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function kindOf(scanner: PassableScanner, bytes: Uint8Array): string {
  const finding = scanner.scan(bytes, true);
  return finding.kind === 'passable' ? `${finding.profiles.sampleCount} samples` : finding.reason;
}

test('resources, attributes and texts that differ in one letter are told apart, at any size', () => {
  const scanner = new PassableScanner();
  for (const scale of [0.05, 1.3, 4]) {
    const { data } = passingProfiles(scale);
    const sampleCount = data.resourceProfiles.flatMap(({ scopeProfiles: [scope] }) => [...scope!.profiles[0]!.samples]);
    assert.equal(kindOf(scanner, encodeProfilesData(data)), `${sampleCount.length} samples`);
  }
});

test('a scanner tells of a message the same whatever it saw before', () => {
  const messages = [0.05, 1.3].map((scale) => encodeProfilesData(passingProfiles(scale).data));
  messages.push(encodeProfilesData(goodProfiles()), messages[1]!.subarray(0, 40_000));
  const expected = messages.map((bytes) => kindOf(new PassableScanner(), bytes));
  const scanner = new PassableScanner();
  fc.assert(
    fc.property(fc.nat(messages.length - 1), (index) => {
      assert.equal(kindOf(scanner, messages[index]!), expected[index]);
    }),
  );
});

test('a message cut off anywhere is not taken', () => {
  const bytes = encodeProfilesData(goodProfiles());
  const scanner = new PassableScanner();
  for (let end = 0; end < bytes.length; end++)
    assert.equal(scanner.scan(bytes.subarray(0, end), true).kind, 'not_passable');
});

test('one large message is not remembered for good', async () => {
  const data = goodProfiles();
  for (let i = 0; i < 700_000; i++) data.dictionary.stringTable.push(`#${i}`);
  const large = encodeProfilesData(data);
  const scanner = new PassableScanner();
  await freed();
  const before = process.memoryUsage().arrayBuffers;
  assert.equal(kindOf(scanner, large), 'orphan');
  await freed(() => process.memoryUsage().arrayBuffers - before < 16 * 2 ** 20);
  const keptMiB = (process.memoryUsage().arrayBuffers - before) / 2 ** 20;
  assert.ok(keptMiB < 16, `${keptMiB} MiB`);
  assert.equal(kindOf(scanner, encodeProfilesData(goodProfiles())), '2 samples');
});

/** Buffers are freed some time after their objects. */
async function freed(isEnough: () => boolean = () => false): Promise<void> {
  for (let i = 0; i < 20 && !isEnough(); i++) {
    collectGarbage();
    await setImmediate();
  }
}

test('PairSet numbers pairs as a map does, also when it grows, and after it was cleared', () => {
  const word = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.integer());
  const set = new PairSet();
  fc.assert(
    fc.property(fc.array(fc.tuple(word, word), { maxLength: 300 }), fc.nat(200), (pairs, capacity) => {
      set.clear(capacity);
      const known = new Map<string, number>();
      for (const [a, b] of pairs) {
        assert.equal(set.find(a, b), known.get(`${a} ${b}`) ?? -1);
        const entry = known.get(`${a} ${b}`) ?? known.size;
        known.set(`${a} ${b}`, entry);
        assert.equal(set.intern(a, b), entry);
        assert.equal(set.count, known.size);
      }
    }),
  );
});

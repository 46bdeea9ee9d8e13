import assert from 'node:assert/strict';
import { isUtf8 } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { compileScan } from '../../../build/compile-scan.ts';
import { MemoryShortage } from '../../../src/model/memory-shortage.ts';
import { tables } from '../../../src/otlp/passable/dictionary-columns.ts';
import { internFunction, internLocation } from '../../../src/otlp/passable/intern-entries.ts';
import { PairSet } from '../../../src/otlp/passable/pair-set.ts';
import type { ScanResult } from '../../../src/otlp/passable/passable-scanner.ts';
import { PassableScanner } from '../../../src/otlp/passable/passable-scanner.ts';
import { ScanMemory } from '../../../src/otlp/passable/scan-memory.ts';
import { TextColumns } from '../../../src/otlp/passable/text-columns.ts';
import type { ProfilesData } from '../../../src/otlp/profiles-data.ts';
import { decodeProfilesData } from '../../../src/otlp/protobuf/decode-profiles-data.ts';
import { encodeProfilesData } from '../../../src/otlp/protobuf/encode-profiles-data.ts';
import { mostDecoded, surveyProtobuf } from '../../../src/otlp/survey-profiles.ts';
import { attributeNames } from '../../../src/profile/attribute-names.ts';
import { passingProfiles } from '../../bench/passing-profiles.ts';
import { goodProfiles } from '../good-profiles.ts';
import { realRequests } from '../real-requests.ts';

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

test('a scan counts elements, and ends beyond a bound of them', () => {
  const scanner = new PassableScanner();
  const messages = [
    encodeProfilesData(goodProfiles()),
    ...[0.05, 1.3].map((scale) => encodeProfilesData(passingProfiles(scale).data)),
  ];
  for (const bytes of [...messages, ...realRequests('profiler')]) {
    const { resourceProfiles, dictionary } = decodeProfilesData(bytes);
    const scopes = resourceProfiles.flatMap(({ scopeProfiles }) => scopeProfiles);
    const profiles = scopes.flatMap(({ profiles: all }) => all);
    let count = resourceProfiles.length + scopes.length + profiles.length;
    for (const { samples } of profiles) count += samples.length;
    for (const table of Object.values(dictionary)) count += table.length;
    for (const { lines } of dictionary.locationTable) count += lines.length;
    const finding = scanner.scanWithin(bytes, true, count);
    assert.ok(finding?.kind === 'passable');
    assert.equal(finding.profiles.elements, count);
    // So much is the most that the decoded message can take.
    assert.ok(surveyProtobuf(bytes).decodedBytes < mostDecoded(count, bytes.length));
    for (const bound of [0, 1, 10, count >>> 1, count - 1]) {
      assert.equal(scanner.scanWithin(bytes, true, bound), undefined);
    }
    assert.equal(scanner.scan(bytes, true).kind, 'passable');
  }
});

test('a message cut off anywhere is not taken', () => {
  const bytes = encodeProfilesData(goodProfiles());
  const scanner = new PassableScanner();
  for (let end = 0; end < bytes.length; end++)
    assert.equal(scanner.scan(bytes.subarray(0, end), true).kind, 'not_passable');
});

test('a profile is known as our own by its ID, and not by what follows an empty one', () => {
  const data = goodProfiles();
  const { profileId } = data.resourceProfiles[0]!.scopeProfiles[0]!.profiles[0]!;
  const bytes = encodeProfilesData(data);
  assert.equal(kindOf(new PassableScanner(profileId.subarray(0, 8)), bytes), 'looped');
  // No ID, and a payload in the bytes that it had.
  const payload = Buffer.from([0x52, 14, ...profileId.subarray(2)]);
  const place = Buffer.from(bytes).indexOf(profileId);
  bytes.set([0, ...payload], place - 1);
  assert.equal(kindOf(new PassableScanner(payload.subarray(0, 8)), bytes), '2 samples');
});

test('one large message is not remembered for good', async () => {
  const data = goodProfiles();
  for (let i = 0; i < 700_000; i++) data.dictionary.stringTable.push(`#${i}`);
  const large = encodeProfilesData(data);
  const scanner = new PassableScanner();
  await freed();
  const before = process.memoryUsage().external;
  assert.equal(kindOf(scanner, large), 'orphan');
  await freed(() => process.memoryUsage().external - before < 16 * 2 ** 20);
  const keptMiB = (process.memoryUsage().external - before) / 2 ** 20;
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

test('what a scan says of real requests, JavaScript finds by its own hashes', () => {
  for (const bytes of [...realRequests('profiler'), encodeProfilesData(manyLines())]) {
    // Memory of its own: many lines have to grow.
    const { profiles } = new PassableScanner().scan(bytes, true) as ScanResult & { kind: 'passable' };
    const { columns } = profiles;
    const texts = new TextColumns(profiles);
    for (let i = 0; i < columns.counts[tables.string]!; i++) assert.equal(texts.indexOf(texts.at(i)), i);
    for (let i = 0; i < columns.counts[tables.function]!; i++) assert.equal(internFunction(columns, i), i);
    for (let i = 0; i < columns.counts[tables.location]!; i++) {
      const { locationLineStart } = columns;
      assert.equal(internLocation(columns, i, locationLineStart[i]!, locationLineStart[i + 1]!), i);
    }
  }
});

test('the frame type of a location is its first attribute of that name with a text', () => {
  const scanner = new PassableScanner();
  for (const bytes of realRequests('profiler')) {
    const { profiles } = scanner.scan(bytes, true) as ScanResult & { kind: 'passable' };
    const { columns } = profiles;
    const texts = new TextColumns(profiles);
    for (const [location, { attributeIndices }] of [...decodeProfilesData(bytes).dictionary.locationTable].entries()) {
      const isFrameType = (index: number): boolean =>
        texts.at(columns.attributeKey[index]!) === attributeNames.frameType && texts.ofAttribute(index) !== undefined;
      assert.equal(columns.locationFrameType[location], [...attributeIndices].find(isFrameType) ?? 0);
    }
  }
});

/** More lines than a scan makes room for at first, with 64-bit numbers; and as many scopes and profiles. */
function manyLines(): ProfilesData {
  const data = goodProfiles();
  const { lines } = data.dictionary.locationTable[2]!;
  for (let i = 0n; i < 1000n; i++) lines.push({ functionIndex: 1, line: i << 32n, column: i % 3n });
  const [resource] = data.resourceProfiles;
  const [first] = resource!.scopeProfiles;
  const [profile] = first!.profiles;
  for (let i = 1; i < 300; i++) {
    const timeUnixNano = profile!.timeUnixNano + BigInt(i);
    const scope = { ...first!.scope, name: `scope ${i}` };
    resource!.scopeProfiles.push({ ...first!, scope, profiles: [{ ...profile!, timeUnixNano }] });
  }
  return data;
}

test('many lines, scopes and profiles are told apart', () => {
  const data = manyLines();
  const scanner = new PassableScanner();
  assert.equal(kindOf(scanner, encodeProfilesData(data)), '600 samples');
  const { scopeProfiles } = data.resourceProfiles[0]!;
  const again = [{ ...data.resourceProfiles[0]!, scopeProfiles: [...scopeProfiles, scopeProfiles[7]!] }];
  assert.equal(kindOf(scanner, encodeProfilesData({ ...data, resourceProfiles: again })), 'same_time');
  const { profiles, ...scope } = scopeProfiles[7]!;
  const later = [{ ...profiles[0]!, timeUnixNano: 1n }];
  const renewed = [{ ...again[0]!, scopeProfiles: [...scopeProfiles, { ...scope, profiles: later }] }];
  assert.equal(kindOf(scanner, encodeProfilesData({ ...data, resourceProfiles: renewed })), 'same_resource');
});

test('the memory of a scan does not grow with the number of messages, whatever these hold', () => {
  const messages = [manyLines(), goodProfiles()].map((data) => encodeProfilesData(data));
  const memory = new ScanMemory();
  const scanAll = (): void => {
    for (const bytes of messages) memory.scan(bytes, true, Number.POSITIVE_INFINITY);
  };
  scanAll();
  scanAll();
  const { sizeBytes } = memory;
  for (let i = 0; i < 100; i++) scanAll();
  assert.equal(memory.sizeBytes, sizeBytes);
});

test('a message for which memory is too short does not spoil the next', (t) => {
  const withTexts = (count: number): Uint8Array => {
    const data = goodProfiles();
    for (let i = 0; i < count; i++) data.dictionary.stringTable.push(`#${i}`);
    return encodeProfilesData(data);
  };
  const scanner = new PassableScanner();
  assert.equal(kindOf(scanner, withTexts(0)), '2 samples');
  t.after(() => setFlagsFromString('--wasm-max-mem-pages=65536'));
  setFlagsFromString('--wasm-max-mem-pages=32');
  assert.throws(() => scanner.scan(withTexts(100_000), true), MemoryShortage);
  assert.equal(kindOf(scanner, encodeProfilesData(manyLines())), '600 samples');
  assert.equal(kindOf(scanner, withTexts(5_000)), 'orphan');
});

test('texts of the table are UTF-8 as Node.js knows it', () => {
  const text = 'shop of horrors';
  const data = goodProfiles();
  data.dictionary.stringTable[5] = text;
  const bytes = encodeProfilesData(data);
  const place = Buffer.from(bytes).indexOf(text);
  const scanner = new PassableScanner();
  const edges = [0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xec, 0xed, 0xee, 0xef, 0xf0];
  const byte = fc.oneof(fc.constantFrom(...edges, 0xf1, 0xf3, 0xf4, 0xf5, 0xff), fc.nat(255));
  // Surrogates, letters longer than needed, and those behind the last one; beside the nearest that are right.
  const near = ['ed9fbf', 'eda080', 'e09fbf', 'e0a080', 'f08fbfbf', 'f0908080', 'f48fbfbf', 'f4908080'];
  const letters = fc.oneof(
    fc.constantFrom(...near).map((hex) => [...Buffer.from(hex, 'hex')]),
    fc.string({ unit: 'binary', maxLength: 4 }).map((letter) => [...Buffer.from(letter)]),
    fc.array(byte, { maxLength: 5 }),
  );
  fc.assert(
    fc.property(fc.array(letters, { maxLength: 5 }), (parts) => {
      const changed = Uint8Array.from(bytes);
      const written = Uint8Array.from(parts.flat().slice(0, text.length));
      changed.set(written, place);
      const isText = isUtf8(changed.subarray(place, place + text.length));
      assert.equal(kindOf(scanner, changed), isText ? '2 samples' : 'encoding');
    }),
    { numRuns: 2000 },
  );
});

test('the compiled scan in the source is what its own source says', async () => {
  const path = join(import.meta.dirname, '../../../src/otlp/passable/compiled-scan.ts');
  assert.equal(readFileSync(path, 'utf8'), await compileScan(), 'npm run build:scan');
});

test('PairSet numbers pairs as a map does, also when it grows, and after it took other parts', () => {
  const word = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.integer());
  const set = new PairSet();
  const none = new PairSet();
  fc.assert(
    fc.property(fc.array(fc.tuple(word, word), { maxLength: 300 }), (pairs) => {
      set.hold(none.copyParts());
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

import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { MemoryShortage } from '../../../src/model/memory-shortage.ts';
import { encodeProfilesJson } from '../../../src/otlp/json/encode-profiles-json.ts';
import { TextColumns } from '../../../src/otlp/passable/text-columns.ts';
import type { ProfilesData } from '../../../src/otlp/profiles-data.ts';
import { countSamples } from '../../../src/otlp/profiles-data.ts';
import { encodeProfilesData } from '../../../src/otlp/protobuf/encode-profiles-data.ts';
import { enrichPassable } from '../../../src/profile/names/enrich-passable.ts';
import type { DecodingMemory } from '../../../src/receivers/otlp/bounded-reader.ts';
import { BoundedReader } from '../../../src/receivers/otlp/bounded-reader.ts';
import type { MessageContent } from '../../../src/receivers/otlp/decode-message.ts';
import { decodeMessage } from '../../../src/receivers/otlp/decode-message.ts';
import type { ReadMessage } from '../../../src/receivers/otlp/message-reader.ts';
import { MessageReader } from '../../../src/receivers/otlp/message-reader.ts';
import { systemClock } from '../../../src/support/clock.ts';
import { atOnce } from '../../../src/support/steps.ts';
import { deepJson, emptyResources, emptySamples } from '../../abuse/payloads.ts';
import { goodProfiles } from '../../otlp/good-profiles.ts';
import { encodeOldWire } from '../../otlp/protobuf/encode-old-wire.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { plainSamples } from '../../support/plain-view.ts';

const mebibyte = 1024 * 1024;
const plenty: DecodingMemory = { heapLimitBytes: 512 * mebibyte, availableBytes: () => 8192 * mebibyte };

function createReader(t: TestContext, memory: Partial<DecodingMemory> = {}): BoundedReader {
  const reader = new BoundedReader({ ...plenty, ...memory }, systemClock);
  t.after(() => reader.stop());
  return reader;
}

/** The samples of `goodProfiles`, many times, each a nanosecond later; `isShort`: each with a value alone. */
function manySamples(times: number, isShort = false): ProfilesData {
  const data = goodProfiles();
  return {
    ...data,
    resourceProfiles: data.resourceProfiles.map((resource) => ({
      ...resource,
      scopeProfiles: resource.scopeProfiles.map((scope) => ({
        ...scope,
        profiles: scope.profiles.map((profile) => ({
          ...profile,
          samples: Array.from({ length: times }, (_, index) =>
            profile.samples.map((sample) => ({
              ...sample,
              ...(isShort
                ? { values: [1n], timestampsUnixNano: [] }
                : { timestampsUnixNano: sample.timestampsUnixNano.map((timestamp) => timestamp + BigInt(index)) }),
            })),
          ).flat(),
        })),
      })),
    })),
  };
}

/** A stack with `count` named locations beside the other ones. */
function manyLocations(count: number): ProfilesData {
  const data = goodProfiles();
  const { locationTable, stackTable } = data.dictionary;
  for (let i = 0; i < count; i++) {
    const lines = [{ functionIndex: 1, line: BigInt(i), column: 0n }];
    locationTable.push({ mappingIndex: 1, address: BigInt(0x10_0000 + i), lines, attributeIndices: [1] });
    stackTable[1]!.locationIndices.push(locationTable.length - 1);
  }
  return data;
}

/** The profile of `goodProfiles` below resources that differ in one attribute. */
function manyResources(count: number, prefix: string): ProfilesData {
  const data = goodProfiles();
  const [entry] = data.resourceProfiles;
  const resourceProfiles = Array.from({ length: count }, (_, index) => ({
    ...entry!,
    resource: { attributes: [{ key: 'host.id', value: `${prefix}${index}` }], droppedAttributesCount: 0 },
  }));
  return { ...data, resourceProfiles };
}

const nobody = {
  learnExecutable() {},
  learnSymbol() {},
  openFile: () => undefined,
  reasonUnknown: () => 'never_submitted',
};

const large = manySamples(10_000);
for (const { name, content } of [
  { name: 'JSON', content: json(Buffer.from(encodeProfilesJson(large))) },
  { name: 'v1.9', content: protobuf(encodeOldWire(large, 'v1.9')) },
]) {
  test(`BoundedReader gives of a large message in ${name} what one that decodes at once does`, async (t) => {
    const read = createReader(t).read(content);
    assert.ok(read instanceof Promise);
    const late = await read;
    assert.ok('data' in late);
    const atOnce = new MessageReader().read(content);
    assert.deepEqual(
      [late.version, late.sampleCount, late.rejectedProfiles, late.faults],
      [atOnce.version, atOnce.sampleCount, atOnce.rejectedProfiles, atOnce.faults],
    );
    assert.equal(late.scan.kind, 'passable');
    assert.deepEqual(plainSamples(late.data), plainSamples(atOnce.data));
  });
}

test('BoundedReader reads small messages, and those that pass as they are, at once', (t) => {
  const reader = createReader(t);
  for (const content of [protobuf(encodeProfilesData(large)), json(Buffer.from(encodeProfilesJson(goodProfiles())))]) {
    assert.ok('data' in reader.read(content));
  }
});

for (const { name, data, isInThread } of [
  { name: 'of more than 2.5 MiB', data: manySamples(60_000), isInThread: true },
  { name: 'of more than 131,072 elements', data: manySamples(70_000, true), isInThread: true },
  { name: 'below both bounds', data: manySamples(20_000), isInThread: false },
]) {
  test(`BoundedReader scans a message ${name} ${isInThread ? 'in a thread' : 'at once'}`, async (t) => {
    const content = protobuf(encodeProfilesData(data));
    const read = createReader(t).read(content);
    assert.equal(read instanceof Promise, isInThread);
    const late = await read;
    assert.ok('scan' in late);
    const { scan, isLarge = false, sampleCount } = late;
    assert.ok(scan.kind === 'passable');
    assert.deepEqual([isLarge, sampleCount], [isInThread, countSamples(data)]);
    assert.ok(scan.profiles.bytes === content.bytes);
    // What the thread found is what a scan here finds.
    const here = new MessageReader().read(content).scan;
    assert.ok(here.kind === 'passable');
    const texts = ['', 'main', 'nowhere'].map((text) => new TextColumns(scan.profiles).indexOf(text));
    assert.deepEqual(
      texts,
      ['', 'main', 'nowhere'].map((text) => new TextColumns(here.profiles).indexOf(text)),
    );
    assert.deepEqual(scan.profiles.columns.counts, here.profiles.columns.counts);
    assert.deepEqual(atOnce(enrichPassable(scan.profiles, nobody)), atOnce(enrichPassable(here.profiles, nobody)));
  });
}

test('BoundedReader reads large messages one after the other, and a lost one does not hold up the others', async (t) => {
  const clock = new FakeClock();
  const reader = new BoundedReader(plenty, clock);
  t.after(() => reader.stop());
  const content = protobuf(encodeProfilesData(manyLocations(9_000)));
  const first = reader.read(content);
  assert.ok('data' in first);
  const [second, third] = [reader.read(content), reader.read(content)];
  assert.ok(second instanceof Promise && third instanceof Promise);
  first.release?.('columns');
  const next = (await second) as ReadMessage;
  assert.ok(next.isLarge);
  // Nobody gives its columns back.
  await clock.advance(1_000);
  const late = (await third) as ReadMessage;
  assert.ok(late.scan.kind === 'passable' && next.scan.kind === 'passable');
  assert.notEqual(late.scan.profiles.columns, next.scan.profiles.columns);
  late.release?.('columns');
  assert.ok('data' in reader.read(content));
});

test('BoundedReader gives messages that waited for the same columns their own content', async (t) => {
  const reader = createReader(t);
  const first = reader.read(protobuf(encodeProfilesData(manyLocations(9_000))));
  assert.ok('data' in first);
  const reading = [7_000, 7_500, 8_000].map((count) => {
    const content = protobuf(encodeProfilesData(manyLocations(count)));
    const late = reader.read(content);
    assert.ok(late instanceof Promise);
    // As soon as there is one: its columns hold until the next scan.
    return late.then((read) => 'scan' in read && read.scan.profiles?.columns.bytes === content.bytes);
  });
  first.release?.('columns');
  assert.deepEqual(await Promise.all(reading), [true, true, true]);
});

for (const { name, times, isInThread } of [
  { name: 'of some 200 kB at once', times: 2_000, isInThread: false },
  { name: 'beyond that in a thread', times: 10_000, isInThread: true },
]) {
  test(`BoundedReader decodes a message with an orphan ${name}`, async (t) => {
    const content = protobuf(encodeProfilesData(withOrphan(manySamples(times))));
    const read = createReader(t).read(content);
    assert.equal(read instanceof Promise, isInThread);
    const { data, scan, release: _, ...counts } = (await read) as ReadMessage;
    const { data: expected, ...plain } = decodeMessage(content, Number.POSITIVE_INFINITY);
    assert.deepEqual(plainSamples(data), plainSamples(expected));
    if (!isInThread) assert.deepEqual(counts, plain);
    // The thread leaves the orphan out.
    assert.deepEqual(scan.kind, isInThread ? 'passable' : 'not_passable');
  });
}

function withOrphan(data: ProfilesData): ProfilesData {
  return { ...data, dictionary: { ...data.dictionary, stringTable: [...data.dictionary.stringTable, 'of no use'] } };
}

test('BoundedReader leaves profiles out that this process made, of large messages too', async (t) => {
  const data = manySamples(60_000);
  const { profileId } = data.resourceProfiles[0]!.scopeProfiles[0]!.profiles[0]!;
  const reader = new BoundedReader(plenty, systemClock, profileId.slice(0, 8));
  t.after(() => reader.stop());
  const read = (await reader.read(protobuf(encodeProfilesData(data)))) as ReadMessage;
  assert.deepEqual([read.loopedProfiles, read.isAllRejected, read.sampleCount], [1, true, 0]);
});

test('BoundedReader gives each message with many locations columns of its own', () => {
  const reader = new MessageReader();
  const read = [9_000, 9_000, 100].map((count) => reader.read(protobuf(encodeProfilesData(manyLocations(count)))));
  const columns = read.map(({ scan }) => (scan.kind === 'passable' ? scan.profiles.columns : undefined));
  assert.deepEqual(
    read.map(({ isLarge = false }) => isLarge),
    [true, true, false],
  );
  assert.equal(new Set(columns).size, 3);
});

for (const { name, data, problem } of [
  { name: 'more than 8,192 resources', data: manyResources(8_200, ''), problem: /has more than 8192 resources/ },
  {
    name: 'resources of more than 1 MiB',
    data: manyResources(300, 'x'.repeat(4_000)),
    problem: /has more than 1048576 bytes of resources and scopes/,
  },
]) {
  test(`BoundedReader refuses a message with ${name}, and no other waits for its columns`, async (t) => {
    const reader = createReader(t);
    await assert.rejects(async () => reader.read(protobuf(encodeProfilesData(data))), problem);
    assert.ok('data' in reader.read(protobuf(encodeProfilesData(manyLocations(7_000)))));
  });
}

test('BoundedReader refuses what would take too much of the heap before it decodes anything', async (t) => {
  const reader = createReader(t, { heapLimitBytes: 128 * mebibyte });
  const problem = /would take \d+ MiB when it is decoded, and \d+ MiB are given; send it in several requests/;
  assert.throws(() => reader.read(protobuf(emptySamples(1_000_000))), problem);
  await assert.rejects(async () => reader.read(protobuf(emptySamples(10_000_000))), /has more than 2097152 elements/);
  await assert.rejects(async () => reader.read(json(emptyResources(2 * mebibyte))), problem);
});

test('BoundedReader refuses JSON that is nested too deep, whatever its size', async (t) => {
  const reader = createReader(t);
  const problem = /is nested deeper than 200 levels/;
  for (const depth of [300, 100_000]) await assert.rejects(async () => reader.read(json(deepJson(depth))), problem);
});

test('BoundedReader tells a sender to come again while memory is short', async (t) => {
  const reader = createReader(t, { availableBytes: () => mebibyte });
  const shortage = {
    constructor: MemoryShortage,
    message: /memory is too short to decode a message of this size; send/,
  };
  await assert.rejects(async () => reader.read(protobuf(encodeOldWire(large, 'v1.9'))), shortage);
});

test('BoundedReader tells a sender to come again while large messages wait', async (t) => {
  const reader = createReader(t);
  const content = json(emptyResources(40 * mebibyte));
  const first = reader.read(content);
  const second = reader.read(content);
  assert.ok('reason' in second);
  await assert.rejects(async () => first);
  // The thread is there again for the next one.
  assert.ok('data' in (await reader.read(json(Buffer.from(encodeProfilesJson(large))))));
});

function protobuf(bytes: Uint8Array): MessageContent {
  return { encoding: 'protobuf', bytes, isVersionDeclared: false };
}

function json(bytes: Uint8Array): MessageContent {
  return { encoding: 'json', bytes, isVersionDeclared: false };
}

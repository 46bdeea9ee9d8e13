import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { encodeProfilesJson } from '../../../src/otlp/json/encode-profiles-json.ts';
import type { ProfilesData } from '../../../src/otlp/profiles-data.ts';
import { encodeProfilesData } from '../../../src/otlp/protobuf/encode-profiles-data.ts';
import type { DecodingMemory } from '../../../src/receivers/otlp/bounded-reader.ts';
import { BoundedReader } from '../../../src/receivers/otlp/bounded-reader.ts';
import type { MessageContent } from '../../../src/receivers/otlp/decode-message.ts';
import { MessageReader } from '../../../src/receivers/otlp/message-reader.ts';
import { systemClock } from '../../../src/support/clock.ts';
import { emptyResources, emptySamples } from '../../abuse/payloads.ts';
import { goodProfiles } from '../../otlp/good-profiles.ts';
import { encodeOldWire } from '../../otlp/protobuf/encode-old-wire.ts';
import { plainSamples } from '../../support/plain-view.ts';

const mebibyte = 1024 * 1024;
const plenty: DecodingMemory = { heapLimitBytes: 512 * mebibyte, availableBytes: () => 8192 * mebibyte };

function createReader(t: TestContext, memory: Partial<DecodingMemory> = {}): BoundedReader {
  const reader = new BoundedReader({ ...plenty, ...memory }, systemClock);
  t.after(() => reader.stop());
  return reader;
}

/** The samples of `goodProfiles`, many times, each a nanosecond later. */
function manySamples(times: number): ProfilesData {
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
              timestampsUnixNano: sample.timestampsUnixNano.map((timestamp) => timestamp + BigInt(index)),
            })),
          ).flat(),
        })),
      })),
    })),
  };
}

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

test('BoundedReader lets the loop turn between counting a message of more than 4 MiB and scanning it', async (t) => {
  const content = protobuf(encodeProfilesData(manySamples(110_000)));
  assert.ok(content.bytes.length > 4 * mebibyte);
  const reader = createReader(t);
  const steps: string[] = [];
  setImmediate(() => steps.push('another turn'));
  const read = reader.read(content);
  assert.ok(read instanceof Promise);
  const late = await read.finally(() => steps.push('read'));
  assert.ok('scan' in late);
  assert.deepEqual([late.scan.kind, late.sampleCount, steps], ['passable', 220_000, ['another turn', 'read']]);
});

test('BoundedReader refuses what would take too much of the heap before it decodes anything', async (t) => {
  const reader = createReader(t, { heapLimitBytes: 128 * mebibyte });
  const problem = /would take \d+ MiB when it is decoded, and \d+ MiB are given; send it in several requests/;
  assert.throws(() => reader.read(protobuf(emptySamples(1_000_000))), problem);
  assert.throws(() => reader.read(protobuf(emptySamples(10_000_000))), /has more than 2097152 elements/);
  await assert.rejects(async () => reader.read(json(emptyResources(2 * mebibyte))), problem);
});

test('BoundedReader tells a sender to come again while memory is short', (t) => {
  const refusal = createReader(t, { availableBytes: () => mebibyte }).read(protobuf(encodeOldWire(large, 'v1.9')));
  assert.ok('reason' in refusal);
  assert.match(refusal.reason, /memory is too short to decode a message of this size/);
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

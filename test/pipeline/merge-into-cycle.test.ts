import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parseFileId } from '../../src/model/file-id.ts';
import type { FrameSymbol } from '../../src/model/frame-symbol.ts';
import type { ProfilesData } from '../../src/otlp/profiles-data.ts';
import { countSamples } from '../../src/otlp/profiles-data.ts';
import { encodeProfilesData } from '../../src/otlp/protobuf/encode-profiles-data.ts';
import { MergeIntoCycle, mergeOrPass } from '../../src/pipeline/merge-into-cycle.ts';
import { namesOfStore } from '../../src/pipeline/node-names.ts';
import { checkConformance } from '../../src/profile/check/check-conformance.ts';
import { ProfilesJoiner } from '../../src/profile/join/profiles-joiner.ts';
import { MessageReader } from '../../src/receivers/otlp/message-reader.ts';
import type { ReceivedProfiles, SinkAnswer } from '../../src/receivers/otlp/profiles-sink.ts';
import { atOnce } from '../../src/support/steps.ts';
import { SymbolStore } from '../../src/symbols/symbol-store.ts';
import type { Mutable } from '../otlp/good-profiles.ts';
import { goodProfiles } from '../otlp/good-profiles.ts';
import { observations } from '../otlp/observations.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { recordMetrics } from '../support/metric-recorder.ts';
import { configOf } from '../symbols/store-harness.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const hash = parseFileId('00112233445566778899aabbccddeeff')!;
const range = { startUnixNano: 1_767_225_600_000_000_000n, endUnixNano: 1_767_225_605_000_000_000n };

function setUp({ maxEvents = 1000, maxBytes = 1e9, window = { events: 0, bytes: 0 } } = {}) {
  const { meter, values } = recordMetrics();
  const store = new SymbolStore(configOf({ lifetime: '60s' }), () => 0.5);
  const limits = { maxEvents, maxBytes, retryDelayMs: 5000 };
  let ids = 0;
  const createProfileId = (): Uint8Array => new Uint8Array(16).fill(0xa0 + ids++);
  const parts = {
    names: namesOfStore(store),
    limits,
    window: () => window,
    clock: new FakeClock(),
    meter,
    createProfileId,
  };
  return { merge: new MergeIntoCycle(parts), store, metrics: values };
}

function received(data: ProfilesData): ReceivedProfiles {
  return { data, sampleCount: countSamples(data), scan: { kind: 'not_passable', reason: 'json' } };
}

function good(change: (data: Mutable<ProfilesData>) => void = () => undefined): Mutable<ProfilesData> {
  const data = goodProfiles();
  change(data);
  return data;
}

function nameless(): Mutable<ProfilesData> {
  return good(({ dictionary }) => {
    dictionary.locationTable[2]!.lines = [];
  });
}

function symbolOf(functionName: string): FrameSymbol {
  return { functionName, systemName: '', filePath: '', line: 0, column: 0, startLine: 0, inlined: [] };
}

test('requests are taken and kept until the tick, when they leave as one, and nothing is left', () => {
  const { merge } = setUp();
  const requests = [good(), good(), good()];
  for (const each of requests) assert.deepEqual(merge.submit(received(each)), { kind: 'accepted' });
  assert.equal(merge.usage.events, 9);
  const { data, eventCount } = atOnce(merge.take().joinWith(undefined, range, 0));
  assert.equal(eventCount, 9);
  assert.equal(countSamples(data!), 2);
  assert.deepEqual(observations([data!]), observations(requests));
  assert.deepEqual(checkConformance(data!), []);
  assert.equal(merge.usage.events, 0);
  assert.deepEqual(atOnce(merge.take().joinWith(undefined, range, 0)), {
    data: undefined,
    eventCount: 0,
    unresolved: [],
  });
});

test('what was kept is let go of once it is joined, though who reports it holds on to what was taken', async (t) => {
  const { merge } = setUp();
  merge.submit(received(good()));
  const { mock } = t.mock.method(ProfilesJoiner.prototype, 'build');
  const taken = merge.take();
  atOnce(taken.joinWith(undefined, range, 0));
  const kept = new WeakRef(mock.calls[0]!.this as ProfilesJoiner);
  mock.resetCalls();
  await setImmediate();
  collectGarbage();
  assert.equal(kept.deref(), undefined);
  assert.throws(() => atOnce(taken.joinWith(undefined, range, 0)));
});

test('without requests the profiles of the window leave as they are', () => {
  const frames = goodProfiles();
  const { data, eventCount } = atOnce(setUp().merge.take().joinWith(frames, range, 0));
  assert.equal(data, frames);
  assert.equal(eventCount, 0);
});

test('the profiles of the window and those of requests leave as one, and are one where they are of one kind', () => {
  const { merge } = setUp();
  const other = good(({ resourceProfiles }) => {
    resourceProfiles[0]!.resource.attributes[0]!.value = 'till';
  });
  merge.submit(received(good()));
  merge.submit(received(other));
  const { data, eventCount } = atOnce(merge.take().joinWith(good(), range, 0));
  assert.equal(eventCount, 6);
  const shape = data!.resourceProfiles.map(({ scopeProfiles }) => scopeProfiles.map(({ profiles }) => profiles.length));
  assert.deepEqual(shape, [[1], [1]]);
  assert.deepEqual(observations([data!]), observations([good(), other, good()]));
  assert.deepEqual(checkConformance(data!), []);
});

test('a profile of the window for samples of another time stays itself', () => {
  const { merge } = setUp();
  merge.submit(received(good()));
  const late = good(({ resourceProfiles }) => {
    resourceProfiles[0]!.scopeProfiles[0]!.profiles[0]!.timeUnixNano = range.startUnixNano - 5n;
  });
  const { data } = atOnce(merge.take().joinWith(late, range, 0));
  assert.deepEqual(
    data!.resourceProfiles[0]!.scopeProfiles[0]!.profiles.map(({ timeUnixNano }) => timeUnixNano - range.startUnixNano),
    [0n, -5n],
  );
});

test('a request teaches the store its names, and gets those that the store has', async () => {
  const { merge, store, metrics } = setUp();
  store.at(0).learnSymbol(hash, 0, 0x1234, symbolOf('pay'));
  merge.submit(received(good()));
  assert.equal(store.at(0).openFile(hash)?.find(0, 0x2345)?.functionName, 'checkout');
  const { data } = atOnce(merge.take().joinWith(undefined, range, 0));
  assert.ok([...data!.dictionary.stringTable].includes('pay'));
  const counted = await metrics();
  assert.equal(counted.get('framekeeper_otlp_locations{outcome="learned"}'), 1);
  assert.equal(counted.get('framekeeper_otlp_locations{outcome="named"}'), 1);
});

test('a name that comes after the request and before the tick counts', async () => {
  const { merge, metrics } = setUp();
  merge.submit(received(nameless()));
  merge.submit(received(good()));
  const { data, unresolved } = atOnce(merge.take().joinWith(undefined, range, 0));
  assert.deepEqual(
    unresolved.map(({ frameType, count }) => [frameType, count]),
    [['native', 1]],
  );
  // What was nameless is what the other request calls it: one location, one stack, one sample.
  assert.deepEqual(observations([data!]), observations([good(), good()]));
  assert.equal(countSamples(data!), 2);
  assert.deepEqual(checkConformance(data!), []);
  const counted = await metrics();
  assert.equal(counted.get('framekeeper_otlp_locations{outcome="named"}'), 1);
  assert.equal(counted.get('framekeeper_otlp_locations{outcome="unnamed"}'), 1);
});

test('a name that the store knew when the request came cannot be taken back', () => {
  const { merge, store } = setUp();
  store.at(0).learnSymbol(hash, 0, 0x2345, symbolOf('checkout'));
  merge.submit(received(nameless()));
  store.at(3_600_000).purge();
  assert.equal(store.at(3_600_000).openFile(hash)?.find(0, 0x2345), undefined);
  const { data } = atOnce(merge.take().joinWith(undefined, range, 3_600_000));
  assert.ok([...data!.dictionary.stringTable].includes('checkout'));
});

for (const { name, bounds, room } of [
  { name: 'as many events as the window may hold', bounds: { maxEvents: 6 }, room: 2 },
  { name: 'events of raw frames among them', bounds: { maxEvents: 9, window: { events: 4, bytes: 0 } }, room: 1 },
  { name: 'more bytes than the window may hold', bounds: { maxBytes: 5_000 }, room: 1 },
  {
    name: 'bytes of raw frames among them',
    bounds: { maxBytes: 1e6, window: { events: 0, bytes: 1e6 + 1 } },
    room: 0,
  },
]) {
  test(`a window takes no more requests once it holds ${name}; the next one does`, async () => {
    const { merge } = setUp(bounds);
    for (let i = 0; i < room; i++) assert.equal(merge.submit(received(good())).kind, 'accepted');
    const before = merge.usage;
    const answer = merge.submit(received(good()));
    assert.partialDeepStrictEqual(answer, { kind: 'busy', retryAfterMs: 5000 });
    assert.match('reason' in answer ? answer.reason : '', /window of this reporting cycle is full \(max_events/);
    assert.deepEqual(merge.usage, before);
    assert.equal(merge.rejectedSamples, 2);
    const { eventCount } = atOnce(merge.take().joinWith(undefined, range, 0));
    assert.equal(eventCount, 3 * room);
    if (room > 0) assert.equal(merge.submit(received(good())).kind, 'accepted');
  });
}

test('a full window refuses before anything is decoded, and one with room does not', () => {
  const { merge } = setUp({ maxEvents: 6 });
  merge.submit(received(good()));
  assert.equal(merge.admission(), undefined);
  merge.submit(received(good()));
  assert.partialDeepStrictEqual(merge.admission(), { retryDelayMs: 5000 });
  atOnce(merge.take().joinWith(undefined, range, 0));
  assert.equal(merge.admission(), undefined);
});

test('a request with more events than a window may hold is taken alone, and not refused for ever', () => {
  const { merge } = setUp({ maxEvents: 2 });
  assert.equal(merge.submit(received(good())).kind, 'accepted');
  assert.equal(merge.submit(received(good())).kind, 'busy');
});

test('what an earlier run had taken is taken again, whatever the bounds', () => {
  const { merge } = setUp({ maxEvents: 2 });
  merge.hold(good());
  merge.hold(good());
  assert.equal(merge.usage.events, 6);
});

test('the names of a request can be learned without its samples', () => {
  const { merge, store } = setUp();
  merge.learn(good());
  assert.equal(store.at(0).openFile(hash)?.find(0, 0x2345)?.functionName, 'checkout');
  assert.equal(merge.usage.events, 0);
});

test('a request that would stop the loop for long is not held, and passes', async () => {
  const { merge } = setUp();
  const passed: ReceivedProfiles[] = [];
  const passing = {
    submit: (received: ReceivedProfiles): SinkAnswer => {
      passed.push(received);
      return { kind: 'accepted' };
    },
  };
  const sink = mergeOrPass(merge, passing);
  const reader = new MessageReader();
  const requestOf = (count: number, text = ''): ReceivedProfiles => {
    const data = good(({ dictionary, resourceProfiles }) => {
      const [profile] = resourceProfiles[0]!.scopeProfiles[0]!.profiles;
      const [sample] = profile!.samples;
      for (let i = 0; i < count; i++) profile!.samples.push({ ...sample!, values: [], timestampsUnixNano: [1n] });
      dictionary.functionTable[1]!.filenameStrindex = dictionary.stringTable.push(text || 'a file') - 1;
    });
    return reader.read({ encoding: 'protobuf', bytes: encodeProfilesData(data), isVersionDeclared: true });
  };
  const requests = [requestOf(1), requestOf(33_000), requestOf(1, 'x'.repeat(600_000))];
  const signal = new AbortController().signal;
  for (const request of requests) assert.deepEqual(await sink.submit(request, signal, 0), { kind: 'accepted' });
  assert.deepEqual(passed, requests.slice(1));
  assert.equal(merge.usage.events, 4);
});

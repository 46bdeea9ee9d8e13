import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ExportRequest } from '../../src/exporters/export-request.ts';
import { parseFileId } from '../../src/model/file-id.ts';
import type { FrameSymbol } from '../../src/model/frame-symbol.ts';
import type { ProfilesData } from '../../src/otlp/profiles-data.ts';
import { countSamples } from '../../src/otlp/profiles-data.ts';
import { decodeProfilesData } from '../../src/otlp/protobuf/decode-profiles-data.ts';
import { encodeProfilesData } from '../../src/otlp/protobuf/encode-profiles-data.ts';
import type { ResourceEditor } from '../../src/otlp/resource-edit.ts';
import type { NodeNames } from '../../src/pipeline/node-names.ts';
import { namesOfStore } from '../../src/pipeline/node-names.ts';
import type { PassWatcher } from '../../src/pipeline/pass-through.ts';
import { PassThrough } from '../../src/pipeline/pass-through.ts';
import { mergeProfiles } from '../../src/profile/join/profiles-joiner.ts';
import { enrichProfiles } from '../../src/profile/names/enrich-profiles.ts';
import { editProfiles } from '../../src/profile/resources/edit-profiles.ts';
import { serviceNameDefault } from '../../src/profile/resources/service-name.ts';
import { MessageReader } from '../../src/receivers/otlp/message-reader.ts';
import type { ReceivedProfiles, SinkAnswer } from '../../src/receivers/otlp/profiles-sink.ts';
import { SymbolStore } from '../../src/symbols/symbol-store.ts';
import { passingProfiles } from '../bench/passing-profiles.ts';
import { goodProfiles } from '../otlp/good-profiles.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { fakeExporter } from '../support/fake-exporter.ts';
import { recordMetrics } from '../support/metric-recorder.ts';
import { resourceEditor } from '../support/resource-editor.ts';
import { withLists } from '../support/with-lists.ts';
import { configOf } from '../symbols/store-harness.ts';

const hash = parseFileId('00112233445566778899aabbccddeeff')!;
const nobody = {
  learnExecutable() {},
  learnSymbol() {},
  openFile: () => undefined,
  reasonUnknown: () => 'never_submitted',
};

function startPassThrough(
  takes: readonly boolean[],
  watchers: readonly PassWatcher[] = [],
  editor = serviceNameDefault,
) {
  const { meter, values } = recordMetrics();
  const clock = new FakeClock();
  const store = new SymbolStore(configOf({ lifetime: '60s' }), () => 0.5);
  const requests: ExportRequest[] = [];
  const exporters = takes.map((isTaken, index) =>
    fakeExporter(`debug/${index}`, (request) => {
      requests.push(request);
      return isTaken;
    }),
  );
  const sink = new PassThrough({ names: namesOfStore(store), editor, exporters, watchers, clock, meter });
  return { sink, store, clock, requests, metrics: values };
}

function receivedOf(data: ProfilesData): ReceivedProfiles {
  return { data, sampleCount: countSamples(data), scan: { kind: 'not_passable', reason: 'json' } };
}

test('a request that is as we would send it is passed on in its own bytes, and counted by its way', async () => {
  const { sink, requests, metrics } = startPassThrough([true]);
  const reader = new MessageReader();
  const send = (data: ProfilesData): Uint8Array => {
    const bytes = encodeProfilesData(data);
    sink.submit(reader.read({ encoding: 'protobuf', bytes, isVersionDeclared: true }));
    return bytes;
  };
  const bytes = send(goodProfiles());
  assert.equal(requests[0]!.encoded(), bytes);
  assert.equal(requests[0]!.sampleCount, 2);
  const nameless = goodProfiles();
  nameless.dictionary.locationTable[2]!.lines = [];
  send(
    enrichProfiles(nameless, {
      learnExecutable() {},
      learnSymbol() {},
      openFile: () => undefined,
      reasonUnknown: () => 'never_submitted',
    }).data,
  );
  nameless.dictionary.stringTable.push('of no use');
  send(nameless);
  const counted = await metrics();
  const countOf = (way: string) => counted.get(`framekeeper_otlp_passed_requests{${way}}`);
  assert.equal(countOf('way="as_it_was"'), 1);
  assert.equal(countOf('way="named"'), 1);
  assert.equal(countOf('reason="orphan",way="rebuilt"') ?? countOf('way="rebuilt",reason="orphan"'), 1);
});

test('memory of a request whose bytes are written anew is given back, and read no more', () => {
  const { sink, requests } = startPassThrough([true]);
  const reader = new MessageReader();
  const submit = (data: ProfilesData) => {
    const bytes = encodeProfilesData(data);
    let releases = 0;
    const release = () => {
      releases++;
      bytes.fill(0xdb);
    };
    const received = reader.read({ encoding: 'protobuf', bytes, isVersionDeclared: true, release });
    sink.submit(received);
    return { received, releases, bytes };
  };
  const kept = submit(goodProfiles());
  assert.equal(kept.releases, 0);
  assert.equal(requests[0]!.encoded(), kept.bytes);

  const anonymous = goodProfiles();
  for (const { resource } of anonymous.resourceProfiles) resource.attributes = [];
  const { releases, received } = submit(anonymous);
  assert.equal(releases, 1);
  assert.equal(countSamples(requests[1]!.data), 2);
  assert.throws(() => received.data, /released/);

  // Decoded data refers to the bytes.
  const bytes = encodeProfilesData(goodProfiles());
  const release = () => bytes.fill(0xdb);
  const decoded = reader.read({ encoding: 'protobuf', bytes, isVersionDeclared: true, release });
  const { data } = decoded;
  decoded.release?.('columns and bytes');
  assert.deepEqual(withLists(data), goodProfiles());
});

test('memory of a request that somebody watches is kept, whatever becomes of it in the exporters', () => {
  const watched: ExportRequest[] = [];
  const { sink, requests } = startPassThrough([true], [(request) => watched.push(request)]);
  const expected = encodeProfilesData(goodProfiles());
  const bytes = new Uint8Array(expected);
  const release = () => bytes.fill(0xdb);
  sink.submit(new MessageReader().read({ encoding: 'protobuf', bytes, isVersionDeclared: true, release }));
  requests[0]!.lendPieces();
  requests[0]!.returnPieces();
  assert.ok(Buffer.from(watched[0]!.encoded()).equals(expected));
});

for (const { takes, kind } of [
  { takes: [true, true], kind: 'accepted' },
  { takes: [false, true], kind: 'accepted' },
  { takes: [false, false], kind: 'busy' },
]) {
  test(`profiles are ${kind} when the exporters answer ${takes}, and each of them is asked`, async () => {
    const { sink, requests } = startPassThrough(takes);
    assert.equal((await sink.submit(receivedOf(goodProfiles()))).kind, kind);
    assert.equal(requests.length, 2);
    assert.equal(requests[0], requests[1]);
    assert.equal(requests[0]!.sampleCount, 2);
    assert.deepEqual(withLists(decodeProfilesData(requests[0]!.encoded())), withLists(requests[0]!.data));
  });
}

test('a name that passed by once serves a later request and every batch of frames', async () => {
  const { sink, store, requests, metrics } = startPassThrough([true]);
  sink.submit(receivedOf(goodProfiles()));
  const nameless = goodProfiles();
  nameless.dictionary.locationTable[2]!.lines = [];
  sink.submit(receivedOf(nameless));
  const [first, second] = requests.map(({ data }) =>
    [...data.dictionary.locationTable].map(({ lines }) => lines.length),
  );
  assert.deepEqual(second, first);
  assert.equal(store.at(0).openFile(hash)?.find(0, 0x2345)?.functionName, 'checkout');
  assert.equal(store.at(0).executable(hash)?.fileName, '/usr/bin/shop');
  const counted = await metrics();
  assert.equal(counted.get('framekeeper_otlp_locations{outcome="learned"}'), 1);
  assert.equal(counted.get('framekeeper_otlp_locations{outcome="named"}'), 1);
  assert.equal(counted.get('framekeeper_otlp_locations{outcome="unnamed"}'), 2);
});

for (const way of ['undecoded', 'rebuilt'] as const) {
  test(`frames that leave without a name are counted by reason and frame type, and watchers are told (${way})`, async () => {
    const told: unknown[] = [];
    const { sink, metrics } = startPassThrough([true], [(_, unnamed) => told.push(unnamed)]);
    const nameless = goodProfiles();
    nameless.dictionary.locationTable[2]!.lines = [];
    // Senders write what they like: their words do not become labels.
    const type = nameless.dictionary.attributeTable.find(({ value }) => value === 'kernel')!;
    type.value = 'a type of its own';
    for (const location of nameless.dictionary.locationTable) {
      if (location.attributeIndices.some((index) => nameless.dictionary.attributeTable[index] === type))
        location.lines = [];
    }
    const { data } = enrichProfiles(nameless, nobody);
    const received = new MessageReader().read({
      encoding: 'protobuf',
      bytes: encodeProfilesData(data),
      isVersionDeclared: true,
    });
    sink.submit(way === 'undecoded' ? received : receivedOf(data));
    const counted = [...(await metrics())].filter(([name]) => name.startsWith('framekeeper_unresolved_frames'));
    assert.deepEqual(
      Object.fromEntries(counted.map(([name, value]) => [name.replace(/"|framekeeper_unresolved_frames/g, ''), value])),
      {
        '{reason=never_submitted,frame_type=native}': 2,
        '{reason=no_file_id,frame_type=other}': 1,
      },
    );
    assert.deepEqual(told, [
      [
        { reason: 'never_submitted', frameType: 'native', count: 2 },
        { reason: 'no_file_id', frameType: 'other', count: 1 },
      ],
    ]);
  });
}

test('a name that somebody else submitted is given to a location that lacks one', () => {
  const { sink, store, requests } = startPassThrough([true]);
  const symbol = { functionName: 'pay', systemName: '', filePath: '', line: 0, column: 0, startLine: 0, inlined: [] };
  store.at(0).learnSymbol(hash, 0, 0x1234, symbol);
  sink.submit(receivedOf(goodProfiles()));
  assert.ok([...requests[0]!.data.dictionary.stringTable].includes('pay'));
});

test('those that watch see what the exporters took, and nothing that they refused', () => {
  for (const isTaken of [true, false]) {
    const seen: ExportRequest[] = [];
    const { sink, requests } = startPassThrough([isTaken], [(request) => seen.push(request)]);
    sink.submit(receivedOf(goodProfiles()));
    assert.deepEqual(seen, isTaken ? requests : []);
  }
});

test('a request that waited for names is named in its own bytes, whatever was read in between', async () => {
  const { meter } = recordMetrics();
  const store = new SymbolStore(configOf({ lifetime: '60s' }), () => 0.5);
  const requests: ExportRequest[] = [];
  const exporter = fakeExporter('debug', (request) => requests.push(request) > 0);
  const idle = Promise.withResolvers<void>();
  const native = { untilIdle: () => idle.promise, reasonOf: () => 'under_way', need: () => undefined };
  const names = { store, native: native as unknown as NodeNames['native'], memory: undefined, holdMs: 1_000 };
  const sink = new PassThrough({ names, exporters: [exporter], clock: new FakeClock(), meter });
  const reader = new MessageReader();
  const read = (bytes: Uint8Array) => reader.read({ encoding: 'protobuf', bytes, isVersionDeclared: true });

  const nameless = goodProfiles();
  const waiting = sink.submit(read(encodeProfilesData(nameless)));
  const other = read(encodeProfilesData(passingProfiles(0.05).data));
  assert.equal(other.scan.kind, 'passable');
  const symbol = { functionName: 'pay', systemName: '', filePath: '', line: 0, column: 0, startLine: 0, inlined: [] };
  store.at(0).learnSymbol(hash, 0, 0x1234, symbol);
  idle.resolve();
  assert.equal((await waiting).kind, 'accepted');
  const expected = enrichProfiles(goodProfiles(), store.at(0)).data;
  const sent = decodeProfilesData(requests[0]!.encoded());
  assert.deepEqual(withLists(enrichProfiles(sent, nobody).data), withLists(enrichProfiles(expected, nobody).data));
  assert.ok([...sent.dictionary.stringTable].includes('pay'));
});

/** A request of 9,000 locations with names, of which one has none, and was read as a large one. Decoding it is a fault. */
function readLarge(
  change: (data: ReturnType<typeof goodProfiles>) => void = () => undefined,
  reader: MessageReader = new MessageReader(),
): ReceivedProfiles {
  const data = goodProfiles();
  const { locationTable, stackTable } = data.dictionary;
  for (let i = 0; i < 9_000; i++) {
    const lines = [{ functionIndex: 1, line: BigInt(i), column: 0n }];
    locationTable.push({ mappingIndex: 1, address: BigInt(0x10_0000 + i), lines, attributeIndices: [1] });
    stackTable[1]!.locationIndices.push(locationTable.length - 1);
  }
  change(data);
  const read = reader.read({
    encoding: 'protobuf',
    bytes: encodeProfilesData(data),
    isVersionDeclared: true,
  });
  assert.ok(read.isLarge);
  const decode = (): never => assert.fail('a large request was decoded');
  return Object.defineProperty(read, 'data', { get: decode });
}

test('columns of a large request serve the next one when it is on its way, and not before', async () => {
  const { sink, requests } = startPassThrough([true]);
  const reader = new MessageReader();
  const columnsOf = ({ scan }: ReceivedProfiles) => scan.kind === 'passable' && scan.profiles.columns;
  const [first, second] = [readLarge(undefined, reader), readLarge(undefined, reader)];
  assert.ok(columnsOf(first) !== columnsOf(second));
  await sink.submit(first);
  const third = readLarge(undefined, reader);
  assert.ok(columnsOf(third) === columnsOf(first));
  await Promise.all([sink.submit(second), sink.submit(third)]);
  const [one, ...others] = requests.map((request) => Buffer.from(request.encoded()));
  for (const other of others) assert.ok(one!.equals(other));
  await assert.rejects(async () => sink.submit(first), /columns belong/);
});

test('a large request is named in turns of the loop, around its bytes', async () => {
  const { sink, store, requests } = startPassThrough([true]);
  store.at(0).learnSymbol(hash, 0, 0x1234, symbolOf('pay'));
  const answer = sink.submit(readLarge());
  assert.ok(answer instanceof Promise);
  assert.deepEqual(await answer, { kind: 'accepted' });
  const { dictionary } = decodeProfilesData(requests[0]!.encoded());
  const [line] = dictionary.locationTable.at(1)!.lines;
  assert.equal(dictionary.stringTable.at(dictionary.functionTable.at(line!.functionIndex)!.nameStrindex), 'pay');
  // What it brought is known as well.
  const known = store
    .at(0)
    .openFile(hash)!
    .find(0, 0x10_0000 + 8_999);
  assert.equal(known?.line, 8_999);
});

test('a large request of which a name would make two locations equal is not rebuilt, and one of them has no name', async () => {
  const { sink, requests, metrics } = startPassThrough([true]);
  const large = readLarge(({ dictionary }) => {
    dictionary.locationTable.push({ ...dictionary.locationTable.at(-1)!, lines: [] });
    dictionary.stackTable[1]!.locationIndices.push(dictionary.locationTable.length - 1);
  });
  assert.deepEqual(await sink.submit(large), { kind: 'accepted' });
  const { locationTable } = decodeProfilesData(requests[0]!.encoded()).dictionary;
  assert.deepEqual(locationTable.at(-1)!.lines, []);
  const unnamed = [...(await metrics())].filter(([name]) => name.includes('reason="same_location"'));
  assert.deepEqual(
    unnamed.map(([, count]) => count),
    [1],
  );
});

test('a large request that cannot be scanned passes as it is', async () => {
  const { sink, requests } = startPassThrough([true]);
  const bytes = Uint8Array.of(0x12, 0);
  const data = goodProfiles();
  const scan = { kind: 'not_passable', reason: 'reference' } as const;
  assert.deepEqual(await sink.submit({ data, sampleCount: 1, scan, isLarge: true, bytes }), { kind: 'accepted' });
  assert.equal(requests[0]!.encoded(), bytes);
});

test('a large request loses the resources that an editor drops, and their samples are counted', async () => {
  const dropped: number[] = [];
  const editor: ResourceEditor = resourceEditor(
    (resources) =>
      resources.map((attributes, index) =>
        index === 0 ? { kind: 'dropped', by: 'filter' } : { kind: 'kept', attributes },
      ),
    (_, samples) => dropped.push(samples),
  );
  const { sink, requests } = startPassThrough([true], [], editor);
  const large = readLarge((data) => {
    const [first] = data.resourceProfiles;
    const attributes = [{ key: 'service.name', value: 'another' }];
    data.resourceProfiles.push({ ...first!, resource: { attributes, droppedAttributesCount: 0 } });
  });
  assert.deepEqual(await sink.submit(large), { kind: 'accepted' });
  const { resourceProfiles } = decodeProfilesData(requests[0]!.encoded());
  assert.deepEqual(
    resourceProfiles.map(({ resource }) => resource.attributes[0]!.value),
    ['another'],
  );
  assert.deepEqual([dropped, requests[0]!.sampleCount], [[2], 2]);
});

function symbolOf(functionName: string): FrameSymbol {
  return { functionName, systemName: '', filePath: '', line: 0, column: 0, startLine: 0, inlined: [] };
}

test('a large request loses the samples that a filter drops, by a thread, as a small one does here', async () => {
  const dropped = { here: [] as unknown[], there: [] as unknown[] };
  const keepsStack = (types: ReadonlySet<string>): boolean => types.has('kernel');
  const keepsNone = { by: 'filter/none', share: 0, keepsObservation: () => false };
  const editorFor = (list: unknown[]): ResourceEditor =>
    resourceEditor(
      (resources) =>
        resources.map((attributes, index) => ({
          kind: 'kept',
          attributes,
          samples: index === 0 ? [{ by: 'filter', keepsStack }] : [keepsNone],
        })),
      (by, samples) => list.push([by, samples]),
    );
  const large = readLarge();
  assert.equal(large.scan.kind, 'passable');
  const here = editProfiles(decodeProfilesData(passableBytes(large)), editorFor(dropped.here));
  const { sink, requests } = startPassThrough([true], [], editorFor(dropped.there));
  assert.deepEqual(await sink.submit(large), { kind: 'accepted' });
  assert.deepEqual(dropped.there, dropped.here);
  assert.ok(countSamples(here) > 0 && countSamples(here) < large.sampleCount);
  assert.equal(requests[0]!.sampleCount, countSamples(here));
  assert.deepEqual(withLists(decodeProfilesData(requests[0]!.encoded())), withLists(mergeProfiles([here])));
});

test('where the thread does not manage a large request, it is decoded and filtered here, and counted once', async () => {
  const dropped: unknown[] = [];
  const editor: ResourceEditor = resourceEditor(
    (resources) =>
      resources.map((attributes, index) => ({
        kind: 'kept',
        attributes: [...attributes, { key: 'team', value: 'abuse' }],
        samples: index === 0 ? [{ by: 'filter', keepsStack: () => false }] : [],
      })),
    (by, samples) => dropped.push([by, samples]),
  );
  const { sink, requests, clock } = startPassThrough([true], [], editor);
  const large = readLarge();
  const { scan, sampleCount } = large;
  const data = decodeProfilesData(passableBytes(large));
  let isReleased = false;
  const received: ReceivedProfiles = {
    ...{ scan, sampleCount, isLarge: true },
    get data() {
      assert.ok(!isReleased, 'the bytes of the message were released');
      return data;
    },
    release: (memory) => {
      isReleased ||= memory === 'columns and bytes';
    },
    lend: () => () => {
      isReleased = true;
    },
  };
  let answer: SinkAnswer | undefined;
  const submitted = Promise.resolve(sink.submit(received)).then((late) => {
    answer = late;
  });
  // No reply comes within the time that a thread has.
  while (answer === undefined) await Promise.race([submitted, clock.advance(60_000)]);
  await submitted;
  assert.deepEqual(answer, { kind: 'accepted' });
  const left = sampleCount - countSamples({ ...data, resourceProfiles: data.resourceProfiles.slice(0, 1) });
  assert.equal(requests[0]?.sampleCount ?? 0, left);
  assert.deepEqual(dropped, [['filter', sampleCount - left]]);
});

function passableBytes({ scan }: ReceivedProfiles): Uint8Array {
  assert.equal(scan.kind, 'passable');
  return scan.kind === 'passable' ? scan.profiles.bytes : assert.fail();
}

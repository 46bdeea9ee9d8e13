import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import type { ExportRequest } from '../../src/exporters/export-request.ts';
import { createEncodedRequest, createExportRequest, createLentRequest } from '../../src/exporters/export-request.ts';
import type { ProfilesData } from '../../src/otlp/profiles-data.ts';
import { countSamples } from '../../src/otlp/profiles-data.ts';
import { decodeProfilesData } from '../../src/otlp/protobuf/decode-profiles-data.ts';
import { encodeProfilesData } from '../../src/otlp/protobuf/encode-profiles-data.ts';
import { splitProfiles } from '../../src/profile/split/split-profiles.ts';
import { atOnce } from '../../src/support/steps.ts';
import { syntheticProfiles } from '../bench/synthetic-profiles.ts';
import { goodProfiles } from '../otlp/good-profiles.ts';
import { withLists } from '../support/with-lists.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

async function requestOfNobody(isEncoded: boolean) {
  let data: ProfilesData | undefined = goodProfiles();
  const kept = new WeakRef(data);
  const request = createExportRequest(data, 2);
  if (isEncoded) request.encoded();
  data = undefined;
  await setImmediate();
  collectGarbage();
  return { request, kept };
}

test('createExportRequest encodes once', () => {
  const request = createExportRequest(goodProfiles(), 2);
  assert.equal(request.encoded(), request.encoded());
  assert.deepEqual(request.encoded(), encodeProfilesData(goodProfiles()));
});

test('createExportRequest holds on to bytes alone once it is encoded, and gives data from them', async () => {
  const { request, kept } = await requestOfNobody(true);
  assert.equal(kept.deref(), undefined);
  assert.deepEqual(withLists(request.data), goodProfiles());
  assert.equal(request.data, request.data);
});

test('createExportRequest knows objects to the end of the job that encodes them at once, or until they are forgotten', async () => {
  const data = goodProfiles();
  const request = createExportRequest(data, 2);
  request.encoded();
  assert.equal(request.data, data);
  await Promise.resolve();
  assert.notEqual(request.data, data);

  const inSteps = createExportRequest(data, 2);
  inSteps.forgetData();
  for (const _ of inSteps.encode()) await Promise.resolve();
  await setImmediate();
  assert.equal(inSteps.data, data);
  inSteps.forgetData();
  assert.notEqual(inSteps.data, data);
});

test('createExportRequest holds on to data until it is encoded', async () => {
  const { request, kept } = await requestOfNobody(false);
  assert.equal(request.data, kept.deref());
});

test('createEncodedRequest sends bytes as they are, and decodes them when somebody asks for data', () => {
  const bytes = encodeProfilesData(goodProfiles());
  const request = createEncodedRequest(bytes, 2);
  assert.equal(request.encoded(), bytes);
  assert.equal(request.sampleCount, 2);
  assert.deepEqual(withLists(request.data), goodProfiles());
  assert.equal(request.data, request.data);
});

test('createEncodedRequest does not keep the piece of memory that its bytes came in', () => {
  const bytes = encodeProfilesData(goodProfiles());
  const piece = Buffer.concat([bytes, Buffer.alloc(bytes.length)]).subarray(0, bytes.length);
  const encoded = createEncodedRequest(piece, 2).encoded();
  assert.deepEqual(encoded, bytes);
  assert.equal(encoded.buffer.byteLength, bytes.length);
});

/** A report as columns. */
const report = (): ProfilesData => decodeProfilesData(encodeProfilesData(syntheticProfiles()));

test('a report that is larger than the bound becomes the parts that it would be split into', () => {
  for (const maxBytes of [40_000, 60_000]) {
    const request = createExportRequest(report(), 1000, 3);
    atOnce(request.encodeWithin(maxBytes));
    const { parts } = splitProfiles(report(), { maxBytes });
    assert.ok(parts.length > 3);
    const own: readonly ExportRequest[] = request.parts ?? [];
    assert.equal(own.length, parts.length);
    for (const [index, { data, sampleCount }] of parts.entries()) {
      const part = own[index]!;
      assert.ok(Buffer.from(encodeProfilesData(data)).equals(part.encoded()));
      assert.deepEqual([part.sampleCount, part.hops], [sampleCount, 3]);
    }
    assert.equal(request.bytes, undefined);
    assert.equal(request.isLarge, true);
  }
});

test('a request in parts gives data of all parts, and bytes to who needs them', () => {
  const request = createExportRequest(report(), 1000);
  atOnce(request.encodeWithin(40_000));
  const bytes = request.encoded();
  assert.equal(countSamples(decodeProfilesData(bytes)), 1000);
  assert.equal(request.parts, undefined);
  assert.equal(request.encoded(), bytes);
});

test('a request that has room, or would lose samples in parts, or is encoded already, is encoded as a whole', () => {
  const bytes = encodeProfilesData(report());
  for (const { maxBytes, isEncoded } of [
    { maxBytes: bytes.length, isEncoded: false },
    { maxBytes: 300, isEncoded: false },
    { maxBytes: 40_000, isEncoded: true },
  ]) {
    const request = createExportRequest(report(), 1000);
    if (isEncoded) request.encoded();
    atOnce(request.encodeWithin(maxBytes));
    assert.equal(request.parts, undefined);
    assert.ok(Buffer.from(bytes).equals(request.bytes!));
  }
});

/** A request in lent memory, in two pieces or one, and how often that was given back. */
function lentRequest(holders: number, isWhole = false) {
  const bytes = Buffer.from(encodeProfilesData(goodProfiles()));
  const expected = Buffer.from(bytes);
  const memory = new Uint8Array(bytes);
  let givenBack = 0;
  const giveBack = (): void => {
    givenBack++;
    memory.fill(0xdb);
  };
  const pieces = isWhole ? [memory] : [memory.subarray(0, 50), memory.subarray(50)];
  const request = createLentRequest(pieces, { buffer: memory.buffer, holders, giveBack }, 2);
  return { request, expected, givenBack: () => givenBack };
}

test('memory of a request is given back once all of its holders have sent it, and nothing is read of it then', () => {
  const { request, expected, givenBack } = lentRequest(2);
  assert.equal(request.sizeBytes, expected.length);
  for (const count of [0, 1]) {
    assert.deepEqual(Buffer.concat(request.lendPieces()), expected);
    request.returnPieces();
    assert.equal(givenBack(), count);
  }
  assert.throws(() => request.encoded(), /given back/);
  assert.throws(() => request.lendPieces(), /given back/);
  assert.throws(() => request.data, /given back/);
});

test('memory of a request of which an attempt has failed, or that somebody else has, is never given back', () => {
  const retried = lentRequest(1);
  retried.request.lendPieces();
  retried.request.lendPieces();
  retried.request.returnPieces();
  assert.equal(retried.givenBack(), 0);
  assert.deepEqual(Buffer.from(retried.request.encoded()), retried.expected);
  const shared = lentRequest(1, true);
  const bytes = shared.request.encoded();
  shared.request.lendPieces();
  shared.request.returnPieces();
  assert.equal(shared.givenBack(), 0);
  assert.deepEqual(Buffer.from(bytes), shared.expected);
});

test('what is read of a request in lent memory is right until it is given back, in any order of its uses', () => {
  const use = fc.constantFrom('lend', 'return', 'encoded', 'data');
  let givenBackTimes = 0;
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 3 }),
      fc.boolean(),
      fc.array(use, { maxLength: 8 }),
      (holders, isWhole, uses) => {
        const { request, expected, givenBack } = lentRequest(holders, isWhole);
        const inUse: (readonly Uint8Array[])[] = [];
        const kept: Uint8Array[] = [];
        for (const what of uses) {
          // What gives memory back has no more work to do.
          if (givenBack() > 0 && kept.length === 0) break;
          if (what === 'lend' && inUse.length < holders + 1) inUse.push(request.lendPieces());
          else if (what === 'return' && inUse.pop() !== undefined) request.returnPieces();
          else if (what === 'encoded') kept.push(request.encoded());
          else if (what === 'data') assert.deepEqual(withLists(request.data), goodProfiles());
          for (const pieces of inUse) assert.deepEqual(Buffer.concat(pieces), expected);
          for (const bytes of kept) assert.deepEqual(Buffer.from(bytes), expected);
        }
        assert.ok(givenBack() <= 1);
        givenBackTimes += givenBack();
      },
    ),
    { endOnFailure: true, numRuns: 500 },
  );
  assert.ok(givenBackTimes > 50);
});

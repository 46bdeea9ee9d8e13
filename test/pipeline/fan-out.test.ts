import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OfferResult } from '../../src/exporters/profiles-exporter.ts';
import { hasNoRoomForReport, offerToAll, refuseForPassThrough, refuseForReport } from '../../src/pipeline/fan-out.ts';
import { fakeExporter } from '../support/fake-exporter.ts';
import { fakeRequest } from '../support/fake-request.ts';

/** `full`: without room and without waiting. Of queues that block: `waiting` has room for callers, `blocked` has none. */
type Room = 'open' | 'full' | 'waiting' | 'blocked';

function queueWith(id: string, room: Room) {
  const blocksOnOverflow = room === 'waiting' || room === 'blocked';
  const hasRoomFor = (what: 'report' | 'request') => room === 'open' || (room === 'waiting' && what === 'request');
  return { id, blocksOnOverflow, hasRoomFor };
}

const cases: { rooms: Room[]; frames: boolean; otlp: boolean }[] = [
  { rooms: ['open'], frames: true, otlp: true },
  { rooms: ['full'], frames: false, otlp: false },
  { rooms: ['full', 'open'], frames: true, otlp: true },
  { rooms: ['full', 'full'], frames: false, otlp: false },
  { rooms: ['waiting'], frames: false, otlp: true },
  { rooms: ['open', 'waiting'], frames: false, otlp: true },
  { rooms: ['full', 'waiting'], frames: false, otlp: true },
  { rooms: ['open', 'blocked'], frames: false, otlp: false },
];
for (const { rooms, frames, otlp } of cases) {
  test(`with queues that are ${rooms.join(' and ')}, frames are ${frames ? '' : 'not '}admitted and OTLP is${otlp ? '' : ' not'}`, () => {
    const exporters = rooms.map((room, index) => queueWith(`file/${index}`, room));
    assert.equal(refuseForReport(exporters, () => 0)() === undefined, frames);
    assert.equal(refuseForPassThrough(exporters, () => 0)() === undefined, otlp);
    assert.equal(hasNoRoomForReport(exporters), !frames);
  });
}

test('a refusal names the exporters that have no room, and spreads when senders come again', () => {
  const exporters = [queueWith('debug', 'open'), queueWith('otlp_grpc', 'blocked')];
  const delays = [0, 0.5, 1].map((chance) => refuseForPassThrough(exporters, () => chance)());
  assert.deepEqual(
    delays.map((refusal) => refusal?.retryDelayMs),
    [2_500, 5_000, 7_500],
  );
  assert.equal(delays[0]?.reason, 'the sending queue of otlp_grpc is full; send it again later');
});

const taken: OfferResult = { kind: 'taken' };
const refused: OfferResult = { kind: 'refused', isFinal: false };
const tooLarge: OfferResult = { kind: 'refused', isFinal: true };
const late: OfferResult = { kind: 'failed', isRetryable: true, reason: 'the sending queue had no room in time' };
const down: OfferResult = { kind: 'failed', isRetryable: true, reason: 'it is down' };
const bad: OfferResult = { kind: 'failed', isRetryable: false, reason: 'it is bad' };
const full = 'the sending queue of every exporter is full';

for (const { name, results, answer } of [
  { name: 'is taken as soon as one takes it', results: [refused, taken], answer: 'accepted' },
  { name: 'is busy when none takes it', results: [refused, tooLarge], answer: `busy: ${full}` },
  {
    name: 'must not come again when no queue will ever have room for it',
    results: [tooLarge, tooLarge],
    answer: 'failed: the request is larger than the whole sending queue of every exporter',
  },
  { name: 'is taken when those that wait have taken it', results: [taken, refused], answer: 'accepted' },
  {
    name: 'is busy when one that waits has not got room',
    results: [taken, bad, late],
    answer: 'busy: the sending queue had no room in time',
  },
  { name: 'may come again when one that waits could not send it', results: [taken, down], answer: 'busy: it is down' },
  {
    name: 'must not come again when one that waits never will send it',
    results: [taken, bad],
    answer: 'failed: it is bad',
  },
  { name: 'may come again for the sake of one of several', results: [bad, down], answer: 'busy: it is down' },
]) {
  test(`a request ${name}`, async () => {
    const exporters = results.map((result, index) => ({
      ...fakeExporter(`debug/${index}`, () => true),
      offer: async () => result,
    }));
    const answered = await offerToAll(exporters, fakeRequest(1), undefined);
    assert.equal(answered.kind === 'accepted' ? answered.kind : `${answered.kind}: ${answered.reason}`, answer);
  });
}

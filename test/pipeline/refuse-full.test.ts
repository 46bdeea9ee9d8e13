import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Room } from '../../src/exporters/export-request.ts';
import { hasNoRoomForReport, refuseForPassThrough, refuseForReport } from '../../src/pipeline/refuse-full.ts';

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
    const exporters = rooms.map((room, index) => ({ id: `file/${index}`, room }));
    assert.equal(refuseForReport(exporters, () => 0)() === undefined, frames);
    assert.equal(refuseForPassThrough(exporters, () => 0)() === undefined, otlp);
    assert.equal(hasNoRoomForReport(exporters), !frames);
  });
}

test('a refusal names the exporters that have no room, and spreads when senders come again', () => {
  const exporters = [
    { id: 'debug', room: 'open' as const },
    { id: 'otlp_grpc', room: 'blocked' as const },
  ];
  const delays = [0, 0.5, 1].map((chance) => refuseForPassThrough(exporters, () => chance)());
  assert.deepEqual(
    delays.map((refusal) => refusal?.retryDelayMs),
    [2_500, 5_000, 7_500],
  );
  assert.equal(delays[0]?.reason, 'the sending queue of otlp_grpc is full; send it again later');
});

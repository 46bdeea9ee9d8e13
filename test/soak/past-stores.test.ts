import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FileId } from '../../src/model/file-id.ts';
import { isNamedOnce } from './collector-of-then.ts';
import type { Contestant } from './contestants.ts';
import { createOurs, createPast } from './contestants.ts';
import { cycleMs, cyclesPerHour } from './fleet.ts';
import { FixedTables } from './past-stores/fixed-tables.ts';
import { FlatTables } from './past-stores/flat-tables.ts';
import { MapTables } from './past-stores/map-tables.ts';
import { burst } from './scene.ts';
import type { MissingName, SoakCycle } from './soak.ts';
import { lifetimeMs } from './subjects.ts';

// The burst begins after three hours; then another lifetime, and some minutes.
const cycles = 4 * cyclesPerHour + 240;
const burstEnd = burst.startCycle + burst.cycles;

/** Runs one of the stores and shows each of its cycles to `see`. */
function run(contestant: Contestant, see: (cycle: SoakCycle) => void): void {
  for (let cycle = 0; cycle < cycles; cycle++) see(contestant.soak.step());
}

/** For each frame that was missing: the cycles in which it was. */
class MissingCycles {
  readonly #byFrame = new Map<string, { readonly frame: MissingName; readonly cycles: number[] }>();

  add({ cycle, missing }: SoakCycle): void {
    for (const frame of missing) {
      const { owner, addressHigh, addressLow } = frame;
      const key = JSON.stringify([owner.kind === 'file' ? owner.fileId : owner.process.pid, addressHigh, addressLow]);
      const known = this.#byFrame.get(key);
      if (known === undefined) this.#byFrame.set(key, { frame, cycles: [cycle] });
      else known.cycles.push(cycle);
    }
  }

  /** Stubs of JVMs, or all other frames. */
  of(what: 'stubs' | 'code'): { readonly frame: MissingName; readonly cycles: readonly number[] }[] {
    return [...this.#byFrame.values()].filter(({ frame: { owner } }) => {
      return (owner.kind === 'file' && isNamedOnce(owner.fileId)) === (what === 'stubs');
    });
  }
}

test('when nothing refreshes a file, its frames have one bad cycle an hour and its stubs no good one any more', () => {
  const past = createPast(new MapTables(false));
  const missing = new MissingCycles();
  run(past, (cycle) => missing.add(cycle));
  const hotCode = missing.of('code').filter(({ frame }) => isHot(past, frame));
  assert.ok(hotCode.length > 5, `${hotCode.length} frames of code that is always in use had a bad cycle`);
  for (const { cycles: bad } of hotCode) {
    bad.forEach((cycle, i) => {
      assert.ok(i === 0 || cycle - bad[i - 1]! >= cyclesPerHour, `bad cycles ${bad}`);
    });
  }
  const hotStubs = missing.of('stubs').filter(({ frame }) => isHot(past, frame));
  assert.ok(hotStubs.length > 0);
  const forEver = hotStubs.filter(({ cycles: bad }) => bad.length === cycles - bad[0]!);
  assert.ok(forEver.length > 0, 'no stub was lost for ever');
  for (const { cycles: bad } of forEver) assert.ok(bad[0]! >= cyclesPerHour && bad[0]! <= cyclesPerHour + 1);
});

test('when files are refreshed and their frames are not bounded, a large executable in use grows for ever', () => {
  const past = createPast(new MapTables(true));
  run(past, ({ cycle, unresolvedCount }) => {
    assert.equal(unresolvedCount, 0, `cycle ${cycle}`);
    if (cycle % 240 === 0) assert.ok(past.frames() >= past.scene.wanderer.sampledFrames, `cycle ${cycle}`);
  });
});

test('with 1,024 slots for each file, a name takes ten kilobytes, and a large executable has too few slots', () => {
  const past = createPast(new FixedTables());
  run(past, ({ cycle, missing }) => {
    if (cycle === burst.startCycle - 1) {
      assert.ok(past.bytes() > 10_000 * past.frames(), `${past.bytes()} bytes for ${past.frames()} frames`);
    }
    const inBurst = cycle >= burst.startCycle && cycle < burstEnd;
    if (inBurst) assert.ok(missing.length >= burst.framesPerCycle - 1024, `${missing.length} in cycle ${cycle}`);
  });
});

test('with 131,072 slots for all files, a large executable takes the names of stubs in use, and they stay away', () => {
  const past = createPast(new FlatTables());
  const lastMissing = new Map<number, { readonly fileId: FileId; readonly cycle: number }>();
  run(past, ({ cycle, missing }) => {
    for (const { owner, addressLow } of missing) {
      if (cycle < burst.startCycle || owner.kind !== 'file' || !isNamedOnce(owner.fileId)) continue;
      const lastUse = past.collector.lastUse(owner.fileId, BigInt(addressLow), cycle);
      const isAlive = (cycle - lastUse) * cycleMs < lifetimeMs;
      if (isAlive || lastMissing.has(addressLow)) lastMissing.set(addressLow, { fileId: owner.fileId, cycle });
    }
  });
  const lost = [...lastMissing].filter(([address, { fileId, cycle }]) => {
    return past.collector.lastUse(fileId, BigInt(address), cycles) === cycle;
  });
  assert.ok(lost.length > 0, `${lost.length} of ${lastMissing.size} stubs that the burst took are still lost`);
});

test('under the same load no frame is reported without its name, and memory comes back', () => {
  const ours = createOurs();
  const bytes: number[] = [];
  run(ours, ({ cycle, unresolvedCount }) => {
    assert.equal(unresolvedCount, 0, `cycle ${cycle}`);
    if (cycle % cyclesPerHour === cyclesPerHour - 1) bytes.push(ours.bytes());
  });
  const [, beforeBurst, justBeforeBurst, afterBurst] = bytes as [number, number, number, number];
  assert.ok(justBeforeBurst < 1.1 * beforeBurst, `${bytes} bytes`);
  assert.ok(afterBurst > 20 * beforeBurst && ours.bytes() < 1.1 * beforeBurst, `${bytes}, ${ours.bytes()} bytes`);
  assert.ok(ours.frames() < ours.scene.wanderer.sampledFrames, `${ours.frames()} frames`);
});

/** Whether the frame is in use in every cycle. */
function isHot({ collector }: Contestant, { owner, addressHigh, addressLow }: MissingName): boolean {
  if (owner.kind !== 'file') return false;
  const address = (BigInt(addressHigh) << 32n) | BigInt(addressLow);
  return collector.lastUse(owner.fileId, address, cycles - 1) === cycles - 2;
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
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

test('with 1,024 slots for each file, a JVM takes megabytes for a few names, and a large executable has too few', () => {
  const past = createPast(new FixedTables());
  const lost = new Set<number>();
  run(past, ({ cycle, missing }) => {
    if (cycle === burst.startCycle - 1) {
      assert.ok(past.bytes() > 40e6 && past.frames() < 3000, `${past.bytes()} bytes for ${past.frames()} frames`);
    }
    if (missing.length > 0) lost.add(cycle);
    const inBurst = cycle >= burst.startCycle && cycle < burstEnd;
    if (inBurst) assert.ok(missing.length >= burst.framesPerCycle - 1024, `${missing.length} in cycle ${cycle}`);
  });
  assert.equal(lost.size >= burst.cycles, true);
});

test('with 131,072 slots for all files, a large executable takes the names of stubs that are in use', () => {
  const past = createPast(new FlatTables());
  const stubs = new Map<string, { lastUse: number; cycles: number[] }>();
  run(past, ({ cycle, missing }) => {
    if (cycle < burst.startCycle) return;
    for (const { owner, addressLow } of missing) {
      if (owner.kind !== 'file' || !isNamedOnce(owner.fileId)) continue;
      const lastUse = past.collector.lastUse(owner.fileId, BigInt(addressLow), cycle);
      if ((cycle - lastUse) * cycleMs >= lifetimeMs) continue;
      const known = stubs.get(`${addressLow}`) ?? { lastUse, cycles: [] };
      stubs.set(`${addressLow}`, known);
      known.cycles.push(cycle);
    }
  });
  assert.ok(stubs.size > 3, `${stubs.size} stubs were lost within their lifetime`);
});

test('under the same load no frame is reported without its name, and memory comes back', () => {
  const ours = createOurs();
  const bytes: number[] = [];
  run(ours, ({ cycle, unresolvedCount }) => {
    assert.equal(unresolvedCount, 0, `cycle ${cycle}`);
    if (cycle % cyclesPerHour === cyclesPerHour - 1) bytes.push(ours.bytes());
    // What was not used for an hour is gone, or goes within the next minutes.
    const wandered = 1.25 * (ours.scene.wanderer.sampledFrames / (cycle + 1)) * cyclesPerHour;
    if (cycle % 240 === 239 && cycle < burst.startCycle) assert.ok(ours.frames() < 4000 + wandered, `cycle ${cycle}`);
  });
  const atBurst = bytes[3]!;
  assert.ok(atBurst > 20 * bytes[2]! && ours.bytes() < 1.1 * bytes[2]!, `${bytes}, ${ours.bytes()} bytes`);
});

/** Whether the frame is in use in every cycle. */
function isHot({ collector }: Contestant, { owner, addressHigh, addressLow }: MissingName): boolean {
  if (owner.kind !== 'file') return false;
  const address = (BigInt(addressHigh) << 32n) | BigInt(addressLow);
  return collector.lastUse(owner.fileId, address, cycles - 1) === cycles - 2;
}

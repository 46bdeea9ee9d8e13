import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProfilesData } from '../../src/otlp/profiles-data.ts';
import type { Steps } from '../../src/support/steps.ts';
import { StoreSession } from '../../src/symbols/store-session.ts';
import type { SymbolStore } from '../../src/symbols/symbol-store.ts';
import { attributesOf } from '../support/plain-view.ts';
import { CollectorOfToday } from './collector-of-today.ts';
import type { Sleeper } from './fleet.ts';
import { cycleMs, cyclesPerHour } from './fleet.ts';
import { isInExecutable } from './programs.ts';
import { RegistryModel } from './registry-model.ts';
import { burst, Scene } from './scene.ts';
import type { MissingName, SoakCycle } from './soak.ts';
import { Soak } from './soak.ts';
import { createStore, lifetimeMs, subjectOfToday } from './subjects.ts';

// A whole week where models are compared in many random runs; a day has every kind of event but the second burst.
const days = process.env.PROPERTY_RUNS === undefined ? 1 : 7;
/** A twentieth more than what is in use within a lifetime; a burst needs sixty times as much. */
const budget = { maxEntries: 2330, maxBytes: 612_000 };

/** Days of reporting cycles, and everything that must hold in each of them. */
class Week {
  readonly store: SymbolStore = createStore(budget);
  readonly scene: Scene = new Scene();
  readonly collector: CollectorOfToday = new CollectorOfToday(this.scene);
  readonly soak: Soak;
  /** Frames that had to be asked for again because their time or the room was up. */
  expiredFrames = 0;
  evictedFrames = 0;
  /** Executables that were unknown to a window. */
  undescribedExecutables = 0;
  builtReports = 0;
  peakBytes = 0;
  readonly #registry = new RegistryModel(lifetimeMs);
  #stubWrites = 0;
  #missing: readonly MissingName[] = [];
  /** Executables of which the window before knew nothing. */
  #undescribed: ReadonlySet<string> = new Set();
  #askedExecutables = 0;

  constructor() {
    this.#watchResubmission();
    this.soak = new Soak(subjectOfToday(this.store, this.collector), {
      buildEvery: 120,
      watch: (batch) => this.#registry.hear(batch, this.soak.nowMs),
    });
  }

  check(cycle: SoakCycle): void {
    this.#checkBudget();
    this.#checkRegistry(cycle);
    assert.equal(cycle.unresolvedCount, 0, `frames reported without their names in cycle ${cycle.cycle}`);
    this.#checkHealed(cycle);
    if (cycle.missing.length > 0) this.#checkMissing(cycle);
    this.#checkExecutables(cycle);
    this.#checkSleepers(cycle);
    if (cycle.report.data !== undefined) this.#checkReport(cycle.report.data, cycle);
  }

  #checkBudget(): void {
    const { bytes, entries } = this.store.stats();
    if (bytes > budget.maxBytes || entries > budget.maxEntries) assert.fail(`${entries} entries, ${bytes} bytes`);
    this.peakBytes = Math.max(this.peakBytes, bytes);
  }

  #checkRegistry({ cycle, nowMs, report }: SoakCycle): void {
    const { live, submitted } = this.#registry;
    assert.equal(report.resubmittedStubs, live, `stubs submitted again in cycle ${cycle}`);
    // What came in this cycle is in the store already.
    assert.equal(this.#stubWrites, live - submitted, `stubs written in cycle ${cycle}`);
    this.#registry.endCycle(nowMs);
    assert.equal(this.store.stats().liveStubs, this.#registry.live, `stubs left after cycle ${cycle}`);
  }

  /**
   * What was lost in the cycle before was asked for, and has come: it is not lost again in this cycle. Afterwards it stays
   * known, but while a burst goes on, which has it leave at once.
   */
  #checkHealed({ cycle, missing }: SoakCycle): void {
    const again = new Set(missing.map((frame) => this.#describe(frame)));
    for (const frame of this.#missing) {
      const { owner, addressHigh, addressLow } = frame;
      assert.ok(!again.has(this.#describe(frame)), `cycle ${cycle}: ${this.#describe(frame)} was lost again`);
      const isKnown =
        owner.kind === 'file'
          ? this.store.knowsInFile(owner.fileId, addressHigh, addressLow)
          : this.store.knowsInProcess(owner.instanceId, owner.process, addressHigh, addressLow);
      assert.ok(isKnown || lastBurstEnd(cycle) === cycle, `cycle ${cycle}: ${this.#describe(frame)} is still unknown`);
    }
    this.#missing = missing;
  }

  /** Every frame was named once, so that there must be a reason. */
  #checkMissing({ cycle, missing, report }: SoakCycle): void {
    for (const { owner, addressHigh, addressLow } of missing) {
      if (owner.kind === 'process') {
        // The registry keeps stubs whatever the store has to let go, as long as their process is heard of.
        const sleeper = this.scene.fleet.sleepers.find(({ pid }) => pid === owner.process.pid);
        assert.ok(sleeper !== undefined && this.#hasOverslept(sleeper, cycle), `cycle ${cycle}: a stub was lost`);
        this.expiredFrames++;
        continue;
      }
      const address = (BigInt(addressHigh) << 32n) | BigInt(addressLow);
      const last = this.collector.lastUse(owner.fileId, address, cycle);
      const isAway = (cycle + 1 - last) * cycleMs > lifetimeMs;
      if (isAway) this.expiredFrames++;
      else this.evictedFrames++;
      const hasReason = last >= 0 && (isAway || last < lastBurstEnd(cycle));
      assert.ok(hasReason, `cycle ${cycle}: lost ${this.collector.nameOf(owner, address)}, last used in cycle ${last}`);
    }
    assert.ok(report.heldCount > 0, `cycle ${cycle}: samples that lack a name were not held back`);
  }

  /** What the window knew nothing of was asked for, and the next window knows it. */
  #checkExecutables({ cycle, window }: SoakCycle): void {
    const { askedExecutables } = this.collector;
    // Nothing that is not asked for is unknown; to look at every file in every cycle would take the longest of all.
    if (askedExecutables === this.#askedExecutables && this.#undescribed.size === 0) return;
    this.#askedExecutables = askedExecutables;
    const undescribed = new Set<string>();
    for (const { owner, executable } of window.files) {
      if (owner.kind !== 'file' || executable !== undefined) continue;
      const code = this.scene.catalogue.codeOf(owner.fileId)!;
      if (isInExecutable(code)) undescribed.add(code.symbolAt(0n).filePath);
    }
    for (const name of this.#undescribed) {
      assert.ok(!undescribed.has(name) || lastBurstEnd(cycle) === cycle, `cycle ${cycle}: ${name} is still unknown`);
    }
    this.#undescribed = undescribed;
    this.undescribedExecutables += undescribed.size;
  }

  #describe({ owner, addressHigh, addressLow }: MissingName): string {
    const address = (BigInt(addressHigh) << 32n) | BigInt(addressLow);
    return `${this.collector.nameOf(owner, address)} at ${address}`;
  }

  #hasOverslept(sleeper: Sleeper, cycle: number): boolean {
    return this.scene.fleet.stateOf(sleeper, cycle) === 'woken' && sleeper.periodCycles * cycleMs > 2 * lifetimeMs;
  }

  /** Who was away for longer than a lifetime is asked for all its names; who was not, for none. */
  #checkSleepers({ cycle, missing }: SoakCycle): void {
    if (cycle === 0) return;
    for (const sleeper of this.scene.fleet.sleepers) {
      if (this.scene.fleet.stateOf(sleeper, cycle) !== 'woken') continue;
      const { process, stack, program } = sleeper.running!;
      const own = stack.filter((place) => 'stub' in place || place.kind === program.kind);
      const lostOwn = missing.filter(({ owner, kind }) => {
        return (
          kind === program.kind &&
          (owner.kind === 'process'
            ? owner.process.pid === process.pid
            : own.some((place) => 'code' in place && place.file === owner.fileId))
        );
      });
      if (this.#hasOverslept(sleeper, cycle)) assert.equal(lostOwn.length, new Set(own).size, `cycle ${cycle}`);
      else if (lastBurstEnd(cycle) < cycle - sleeper.periodCycles) assert.equal(lostOwn.length, 0, `cycle ${cycle}`);
    }
  }

  /** The window named every frame rightly, and the profiles name as many. */
  #checkReport(data: ProfilesData, { cycle, window, missing }: SoakCycle): void {
    this.builtReports++;
    const names = new Set<string>();
    window.symbols.forEach((symbol, frame) => {
      if (symbol === undefined) return;
      const { owner } = window.files[window.frames.file(frame)]!;
      const address = (BigInt(window.frames.addressHigh(frame)) << 32n) | BigInt(window.frames.addressLow(frame));
      assert.equal(symbol.functionName, this.collector.nameOf(owner, address), `cycle ${cycle}`);
      names.add(symbol.functionName);
    });
    const { locationTable, functionTable, stringTable } = data.dictionary;
    const reported = [...functionTable].slice(1).map(({ nameStrindex }) => stringTable.at(nameStrindex)!);
    if (missing.length === 0) assert.deepEqual(new Set(reported), names, `cycle ${cycle}`);
    const nameless = [...locationTable].slice(1).filter((location) => {
      return (
        location.lines.length === 0 && attributesOf(data, location.attributeIndices)['profile.frame.type'] !== 'native'
      );
    });
    assert.equal(nameless.length, 0, `cycle ${cycle}`);
  }

  *#resubmit(session: StoreSession, writes: () => number): Steps<number> {
    this.#checkBudget();
    const before = writes();
    const count = yield* StoreSession.prototype.resubmitStubs.call(session);
    this.#stubWrites = writes() - before;
    return count;
  }

  /** Notes how many stubs a resubmission really writes. */
  #watchResubmission(): void {
    const { store } = this;
    const at = store.at.bind(store);
    const writes = (): number => {
      const { inserts, updates } = store.stats();
      return inserts + updates;
    };
    store.at = (nowMs) => {
      const session = at(nowMs);
      session.resubmitStubs = () => this.#resubmit(session, writes);
      return session;
    };
  }
}

/** The first cycle after the last burst that began before `cycle`; of one that goes on, the cycle itself. */
function lastBurstEnd(cycle: number): number {
  const place = cycle % burst.everyCycles;
  const start = cycle - place + burst.startCycle - (place < burst.startCycle ? burst.everyCycles : 0);
  return Math.min(cycle, start + burst.cycles);
}

test(`for ${24 * days} hours, every frame is reported by its name, and no name is asked for again without a reason`, (t) => {
  const week = new Week();
  const cycles = days * 24 * cyclesPerHour;
  for (let cycle = 0; cycle < cycles; cycle++) week.check(week.soak.step());
  week.check(week.soak.finish());
  const { liveStubs, stubOwners, stubBytes } = week.store.stats();
  assert.deepEqual({ liveStubs, stubOwners, stubBytes }, { liveStubs: 0, stubOwners: 0, stubBytes: 0 });
  week.store.at(week.soak.nowMs + lifetimeMs + cycleMs).purge();
  const { entries, strings } = week.store.stats();
  assert.deepEqual({ entries, strings }, { entries: 0, strings: 0 });
  // It was no easy time: time was up for some names and files, room for others, and the whole budget was used.
  const { expiredFrames, evictedFrames, undescribedExecutables, builtReports, peakBytes } = week;
  assert.ok(expiredFrames > 100 * days, `${expiredFrames} frames expired`);
  assert.ok(evictedFrames > 50 * days, `${evictedFrames} frames were evicted`);
  assert.ok(undescribedExecutables > 50 * days, `${undescribedExecutables} executables were lost`);
  assert.ok(peakBytes > 0.99 * budget.maxBytes, `${peakBytes} bytes at most`);
  assert.ok(builtReports > cycles / 120, `${builtReports} reports with profiles`);
  t.diagnostic(
    `${expiredFrames} frames expired, ${evictedFrames} evicted, ${undescribedExecutables} executables lost, ` +
      `${builtReports} reports, ${peakBytes} bytes at most`,
  );
});

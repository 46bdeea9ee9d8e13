import { join } from 'node:path';
import protobuf from 'protobufjs';
import { ConfigSection } from '../../src/config/config-section.ts';
import type { ProfilesData } from '../../src/otlp/profiles-data.ts';
import { encodeInSteps, encodeProfilesData } from '../../src/otlp/protobuf/encode-profiles-data.ts';
import { buildProfiles } from '../../src/profile/build/build-profiles.ts';
import { BatchDecoder } from '../../src/receivers/frames/batch-decoder.ts';
import { TraceIntake } from '../../src/reporter/trace-intake.ts';
import { contentsOf, resolveLateNames } from '../../src/reporter/window-report.ts';
import { systemClock } from '../../src/support/clock.ts';
import type { Steps } from '../../src/support/steps.ts';
import { atOnce } from '../../src/support/steps.ts';
import { SymbolStore } from '../../src/symbols/symbol-store.ts';
import { symbolStoreType } from '../../src/symbols/symbol-store-config.ts';
import type { BenchOptions, BenchRow, BenchSuite } from './bench.ts';
import { compareInRounds, quantile } from './bench.ts';
import { namesOf, nowUnixNano, sampleCount, syntheticBatch } from './synthetic-batch.ts';

const proto = protobuf.loadSync(join(import.meta.dirname, '../../proto/framekeeper/frames/v1/frames.proto'));
const Batch = proto.lookupType('framekeeper.frames.v1.Batch');
const timeBounds = { maxAgeMs: 3_600_000, maxFutureMs: 0 };
const limits = { maxEvents: 10_000_000, maxBytes: 2 ** 32, retryDelayMs: 1 };
/** What 128 CPUs sampled 20 times a second give in 5 s, nearly. */
const batchesPerCycle = 13;

/** From the bytes of a batch into the window, and what stands still at the end of a cycle. */
export const suite: BenchSuite = {
  name: 'cycle',
  async run(options: BenchOptions): Promise<BenchRow[]> {
    const bytes = Buffer.from(Batch.encode(Batch.fromObject(syntheticBatch())).finish());
    return [...compareIntake(bytes, options), ...measureTick(bytes, options)];
  },
};

/** An intake whose store knows every frame of the batch, as it does after a collector's first minute. */
function createIntake(): { readonly store: SymbolStore; readonly intake: TraceIntake } {
  const store = new SymbolStore(symbolStoreType.table.read(new ConfigSection('symbol_store', {}, [])), Math.random);
  const intake = new TraceIntake(store, limits, systemClock);
  const names = Buffer.from(Batch.encode(Batch.fromObject(namesOf(syntheticBatch()))).finish());
  intake.submit(new BatchDecoder(timeBounds).decode(names, nowUnixNano).batch);
  return { store, intake };
}

function compareIntake(bytes: Buffer, { rounds }: BenchOptions): BenchRow[] {
  const decoder = new BatchDecoder(timeBounds);
  const { intake } = createIntake();
  let batches = 0;
  const submit = (): unknown => {
    if (++batches % batchesPerCycle === 0) intake.takeWindow();
    return intake.submit(decoder.decode(bytes, nowUnixNano).batch);
  };
  return compareInRounds(
    [
      { what: 'decode', run: () => decoder.decode(bytes, nowUnixNano) },
      { what: 'decode, resolve, into the window', run: submit },
    ],
    { unit: 'ns/sample', rounds, runsPerRound: batchesPerCycle, convert: (nanoseconds) => nanoseconds / sampleCount },
  );
}

function measureTick(bytes: Buffer, { rounds }: BenchOptions): BenchRow[] {
  const decoder = new BatchDecoder(timeBounds);
  const { store, intake } = createIntake();
  for (let batch = 0; batch < batchesPerCycle; batch++) intake.submit(decoder.decode(bytes, nowUnixNano).batch);
  const window = intake.takeWindow();
  const range = { startUnixNano: nowUnixNano - 5_000_000_000n, endUnixNano: nowUnixNano + 1n };
  const build = function* (): Steps<ProfilesData> {
    const session = store.at(systemClock.nowMs());
    yield* resolveLateNames(window, session);
    const contents = yield* contentsOf(window, window.events, session);
    return yield* buildProfiles(contents, range, () => new Uint8Array(16));
  };
  const report = function* (): Steps<Uint8Array> {
    return yield* encodeInSteps(yield* build());
  };
  const data = atOnce(build());
  const rows = compareInRounds(
    [
      { what: `window of ${batchesPerCycle * sampleCount} events to profiles`, run: () => atOnce(build()) },
      { what: 'profiles to bytes', run: () => encodeProfilesData(data) },
    ],
    { unit: 'ms', rounds, runsPerRound: 1, convert: (nanoseconds) => nanoseconds / 1e6 },
  );
  const longest = Array.from({ length: rounds }, () => longestStepMs(report()));
  const spread = quantile(longest, 0.75) - quantile(longest, 0.25);
  return [...rows, { what: 'longest step of both', unit: 'ms', median: quantile(longest, 0.5), spread }];
}

/** The longest time without a turn of the event loop, but for the end of a slice. */
function longestStepMs(steps: Steps<unknown>): number {
  let longest = 0;
  for (let isDone = false; !isDone; ) {
    const beganMs = performance.now();
    isDone = steps.next().done === true;
    longest = Math.max(longest, performance.now() - beganMs);
  }
  return longest;
}

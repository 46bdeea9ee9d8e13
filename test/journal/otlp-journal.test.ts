import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import pino from 'pino';
import { checkDocument } from '../../src/config/check-document.ts';
import { encodeProfilesJson } from '../../src/otlp/json/encode-profiles-json.ts';
import type { ProfilesData } from '../../src/otlp/profiles-data.ts';
import { encodeProfilesData } from '../../src/otlp/protobuf/encode-profiles-data.ts';
import { createPipeline } from '../../src/pipeline/create-pipeline.ts';
import type { Pipeline } from '../../src/pipeline/pipeline.ts';
import { checkConformance } from '../../src/profile/check/check-conformance.ts';
import { OtlpEvents } from '../../src/receivers/otlp/otlp-events.ts';
import type { ExportOutcome } from '../../src/receivers/otlp/profiles-intake.ts';
import { ProfilesIntake } from '../../src/receivers/otlp/profiles-intake.ts';
import { componentTypes } from '../../src/service/components.ts';
import type { SegmentLog } from '../../src/storage/segment-log.ts';
import { goodProfiles } from '../otlp/good-profiles.ts';
import { observations } from '../otlp/observations.ts';
import { LogFolder } from '../storage/log-folder.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { fakeExporter } from '../support/fake-exporter.ts';
import { recordMetrics } from '../support/metric-recorder.ts';
import { load } from '../support/test-config.ts';

interface Life {
  /** What the exporter got in this life. */
  readonly reported: readonly ProfilesData[];
  readonly pipeline: Pipeline;
  take(bytes: Uint8Array, encoding?: 'protobuf' | 'json'): ExportOutcome;
  /** The end of a reporting cycle. */
  tick(): Promise<void>;
}

/** One life of a pipeline that merges; it is killed by not being used any more. */
async function start(log: SegmentLog, cycle = ''): Promise<Life> {
  const clock = new FakeClock();
  const { meter } = recordMetrics();
  const logger = pino({ level: 'silent' });
  const document = load(`
receivers: {otlp: {protocols: {grpc: }}}
processors: {symbol_store: , reporting_cycle: {interval: 5s, jitter: 0, otlp_profiles: merge, ${cycle}}}
exporters: {debug: }
service: {pipelines: {profiles: {receivers: [otlp], processors: [symbol_store, reporting_cycle], exporters: [debug]}}}
`);
  const reported: ProfilesData[] = [];
  const exporter = fakeExporter('debug', ({ data }) => reported.push(data) > 0);
  const outlets = { exporters: [exporter], consumers: () => [], passed: [], substitutes: () => [], journalLog: log };
  const parts = { meter, logger, clock, random: () => 0.5, createProfileId: () => randomBytes(16) };
  const pipeline = createPipeline('profiles', checkDocument(document, componentTypes), outlets, parts);
  const intake = new ProfilesIntake({
    sink: pipeline.profiles,
    admission: pipeline.admissions.otlp,
    keeping: {
      sink: pipeline.merged!,
      connectJournal: (restore) => pipeline.journal!.connect('otlp', 'otlp', restore),
    },
    events: new OtlpEvents({ meter, logger, clock }, 'otlp'),
    clock,
  });
  for (const component of pipeline.components) await component.start();
  return {
    reported,
    pipeline,
    take: (bytes, encoding = 'protobuf') =>
      intake.take({
        ...{ transport: 'http', encoding, bytes, isVersionDeclared: encoding === 'protobuf' },
        caller: new AbortController(),
      }) as ExportOutcome,
    tick: () => clock.advance(5_000),
  };
}

test('a journal gives back OTLP requests that were acknowledged and not reported, once, however they were written', async (t) => {
  const folder = new LogFolder(t);
  const first = await start(folder.createLog());
  assert.equal(first.take(encodeProfilesData(goodProfiles())).kind, 'taken');
  assert.equal(first.take(Buffer.from(encodeProfilesJson(goodProfiles())), 'json').kind, 'taken');
  const second = await start(folder.createLog());
  assert.equal(second.pipeline.merged!.usage.events, 6);
  assert.equal(second.take(encodeProfilesData(goodProfiles())).kind, 'taken');
  await second.tick();
  assert.equal(second.reported.length, 1);
  assert.deepEqual(observations(second.reported), observations([goodProfiles(), goodProfiles(), goodProfiles()]));
  assert.deepEqual(checkConformance(second.reported[0]!), []);
  const third = await start(folder.createLog());
  assert.equal(third.pipeline.merged!.usage.events, 0);
  await third.tick();
  assert.deepEqual(third.reported, []);
});

test('the names of a request that was reported are known after a restart', async (t) => {
  const folder = new LogFolder(t);
  const first = await start(folder.createLog());
  first.take(encodeProfilesData(goodProfiles()));
  await first.tick();
  const second = await start(folder.createLog());
  const nameless = goodProfiles();
  nameless.dictionary.locationTable[2]!.lines = [];
  second.take(encodeProfilesData(nameless));
  await second.tick();
  assert.deepEqual(observations(second.reported), observations([goodProfiles()]));
});

test('a request that the window had no room for is not in the journal', async (t) => {
  const folder = new LogFolder(t);
  const first = await start(folder.createLog(), 'max_events: 4');
  assert.equal(first.take(encodeProfilesData(goodProfiles())).kind, 'taken');
  assert.equal(first.take(encodeProfilesData(goodProfiles())).kind, 'refused');
  const second = await start(folder.createLog());
  assert.equal(second.pipeline.merged!.usage.events, 3);
});

test('a request that cannot be kept is refused with a time to wait, and nothing of it is taken', async (t) => {
  const life = await start(new LogFolder(t).createLog({ maxBytes: 1 << 16 }));
  const big = goodProfiles();
  big.dictionary.stringTable[6] = 'x'.repeat(2 ** 17);
  const outcome = life.take(encodeProfilesData(big));
  assert.partialDeepStrictEqual(outcome, { kind: 'refused', refusal: { retryAfterMs: 1000 } });
  assert.match(
    outcome.kind === 'refused' ? outcome.refusal.message : '',
    /of a journal that holds 65512 \(max_size_mib\)/,
  );
  assert.equal(life.pipeline.merged!.usage.events, 0);
});

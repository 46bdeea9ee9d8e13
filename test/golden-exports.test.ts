import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import pino from 'pino';
import { frameKinds } from '../src/model/frame-kind.ts';
import { encodeProfilesJson } from '../src/otlp/json/encode-profiles-json.ts';
import type { ProfilesData } from '../src/otlp/profiles-data.ts';
import { encodeProfilesData } from '../src/otlp/protobuf/encode-profiles-data.ts';
import { applyDialect } from '../src/profile/dialects/apply-dialect.ts';
import { mergeProfiles } from '../src/profile/join/profiles-joiner.ts';
import type { CycleReport } from '../src/reporter/cycle-report.ts';
import { createReporterEvents } from '../src/reporter/reporter-events.ts';
import { ReportingCycle } from '../src/reporter/reporting-cycle.ts';
import { TraceIntake } from '../src/reporter/trace-intake.ts';
import { exampleProfiles } from './interop/example-profiles.ts';
import { goodProfiles } from './otlp/good-profiles.ts';
import { batchOf, fileIdOf, offCpu, processOf, symbolOf } from './support/batch.ts';
import { consumer } from './support/consumer.ts';
import { FakeClock } from './support/fake-clock.ts';
import { recordMetrics } from './support/metric-recorder.ts';
import { PlainSymbols } from './support/plain-symbols.ts';

// What leaves, byte for byte. A change that means to change it writes the files anew: UPDATE_GOLDEN=1 node --test test/golden-exports.test.ts
const folder = join(import.meta.dirname, 'fixtures/golden-exports');

/** One reporting cycle with samples of two processes and two types, named and not, with a stub and an executable. */
async function windowReport(): Promise<ProfilesData> {
  const clock = new FakeClock();
  const symbols = new PlainSymbols();
  const limits = { maxEvents: 1000, maxBytes: 1e9, retryDelayMs: 1 };
  const intake = new TraceIntake(symbols, limits, clock);
  const reports: CycleReport[] = [];
  const cycle = new ReportingCycle(
    'reporting_cycle',
    { ...limits, intervalMs: 5000, jitter: 0, resolveGrace: false, storage: '' },
    {
      symbols,
      intake,
      consumers: [consumer((report) => reports.push(report))],
      events: createReporterEvents(
        { meter: recordMetrics().meter, logger: pino({ level: 'silent' }), clock },
        () => intake.stats,
      ),
      clock,
      random: () => 0.5,
      createProfileId: () => new Uint8Array(16).fill(7),
    },
  );
  await cycle.start();
  const [app, library] = [fileIdOf(1), fileIdOf(2)];
  const at = clock.unixNano() + 1_000_000n;
  intake.submit(
    batchOf({
      executables: [{ fileId: app, executable: { ...nothingKnown, fileName: '/usr/bin/app', gnuBuildId: 'abcd' } }],
      symbols: [
        { fileId: app, addressHigh: 0, addressLow: 5, symbol: symbolOf('checkout', { filePath: 'a.c', line: 3 }) },
      ],
      samples: [
        { frames: [{ file: app, address: 5n, kind: frameKinds.native }], timestamps: [at, at + 5n], threadId: 11 },
        {
          frames: [
            { file: library, address: 0x1234n, kind: frameKinds.native },
            { file: app, address: 5n, kind: frameKinds.native },
          ],
          timestamps: [at + 7n],
          process: processOf(8, { comm: 'other', executablePath: '/srv/other', containerId: 'c0ffee' }),
        },
        {
          frames: [{ file: app, address: 5n, kind: frameKinds.native }],
          timestamps: [at + 9n],
          values: [40n],
          type: offCpu,
        },
      ],
    }),
  );
  await clock.advance(5000);
  await cycle.stop(AbortSignal.abort());
  return reports[0]!.data!;
}

const nothingKnown = { fileName: '', gnuBuildId: '', goBuildId: '', hasHtlHash: false };

const exports: Readonly<Record<string, () => Promise<Uint8Array> | Uint8Array>> = {
  'window.otlp': async () => encodeProfilesData(await windowReport()),
  'joined.otlp': () => encodeProfilesData(mergeProfiles([exampleProfiles(), goodProfiles(), exampleProfiles()])),
  'example.otlp': () => encodeProfilesData(exampleProfiles()),
  'example.json': () => Buffer.from(encodeProfilesJson(exampleProfiles())),
  'pyroscope.otlp': () => encodeProfilesData(applyDialect(exampleProfiles(), 'pyroscope').data),
  'parca.otlp': () => encodeProfilesData(applyDialect(exampleProfiles(), 'parca').data),
  'devfiler.otlp': () => encodeProfilesData(applyDialect(exampleProfiles(), 'devfiler').data),
  'elastic.otlp': () => encodeProfilesData(applyDialect(exampleProfiles(), 'elastic').data),
};

for (const [name, make] of Object.entries(exports)) {
  test(`the export ${name} is byte for byte as it was`, async () => {
    const bytes = Buffer.from(await make());
    const path = join(folder, name);
    if (process.env.UPDATE_GOLDEN !== undefined) {
      mkdirSync(folder, { recursive: true });
      writeFileSync(path, bytes);
    }
    assert.ok(existsSync(path), `${name} has no fixture`);
    assert.equal(bytes.toString('hex'), readFileSync(path).toString('hex'));
  });
}

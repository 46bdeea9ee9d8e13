import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import pino from 'pino';
import { frameKinds } from '../src/model/frame-kind.ts';
import { encodeProfilesJson } from '../src/otlp/json/encode-profiles-json.ts';
import { editResources } from '../src/otlp/passable/edit-resources.ts';
import { KnownResources } from '../src/otlp/passable/known-resources.ts';
import type { Profile, ProfilesData } from '../src/otlp/profiles-data.ts';
import { countSamples } from '../src/otlp/profiles-data.ts';
import { decodeProfilesData } from '../src/otlp/protobuf/decode-profiles-data.ts';
import { encodeProfilesData } from '../src/otlp/protobuf/encode-profiles-data.ts';
import type { ResourceEditor } from '../src/otlp/resource-edit.ts';
import { noEdits } from '../src/otlp/resource-edit.ts';
import { checkConformance } from '../src/profile/check/check-conformance.ts';
import { applyDialect } from '../src/profile/dialects/apply-dialect.ts';
import { dialectNames } from '../src/profile/dialects/dialect.ts';
import { withFunctionsTwice } from '../src/profile/dialects/parca.ts';
import { withDistinctTimes } from '../src/profile/join/distinct-times.ts';
import { mergeProfiles } from '../src/profile/join/profiles-joiner.ts';
import { enrichPassable } from '../src/profile/names/enrich-passable.ts';
import { enrichProfiles } from '../src/profile/names/enrich-profiles.ts';
import { LearnedLately } from '../src/profile/names/learned-lately.ts';
import type { NamingSession } from '../src/profile/names/location-naming.ts';
import { editProfiles } from '../src/profile/resources/edit-profiles.ts';
import type { SplitLimits } from '../src/profile/split/split-profiles.ts';
import { splitProfiles } from '../src/profile/split/split-profiles.ts';
import { MessageReader } from '../src/receivers/otlp/message-reader.ts';
import type { CycleReport } from '../src/reporter/cycle-report.ts';
import { createReporterEvents } from '../src/reporter/reporter-events.ts';
import { ReportingCycle } from '../src/reporter/reporting-cycle.ts';
import { TraceIntake } from '../src/reporter/trace-intake.ts';
import { atOnce } from '../src/support/steps.ts';
import { passingProfiles } from './bench/passing-profiles.ts';
import { exampleProfiles } from './interop/example-profiles.ts';
import { goodProfiles } from './otlp/good-profiles.ts';
import { batchOf, fileIdOf, offCpu, processOf, symbolOf } from './support/batch.ts';
import { consumer } from './support/consumer.ts';
import { FakeClock } from './support/fake-clock.ts';
import { recordMetrics } from './support/metric-recorder.ts';
import { PlainSymbols } from './support/plain-symbols.ts';
import { SymbolMap } from './support/symbol-map.ts';
import { variedReports } from './support/varied-window.ts';

// What leaves, byte for byte. A change that means to change it writes the files anew: UPDATE_GOLDEN=1 node --test test/golden-exports.test.ts
const folder = join(import.meta.dirname, 'fixtures/golden-exports');
const isUpdate = process.env.UPDATE_GOLDEN !== undefined;

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

const small: Readonly<Record<string, () => Promise<Uint8Array> | Uint8Array>> = {
  'window.otlp': async () => encodeProfilesData(await windowReport()),
  'joined.otlp': () => encodeProfilesData(mergeProfiles([exampleProfiles(), goodProfiles(), exampleProfiles()])),
  'example.otlp': () => encodeProfilesData(exampleProfiles()),
  'example.json': () => Buffer.from(encodeProfilesJson(exampleProfiles())),
  'pyroscope.otlp': () => encodeProfilesData(applyDialect(exampleProfiles(), 'pyroscope').data),
  'parca.otlp': () => encodeProfilesData(applyDialect(exampleProfiles(), 'parca').data),
  'devfiler.otlp': () => encodeProfilesData(applyDialect(exampleProfiles(), 'devfiler').data),
  'elastic.otlp': () => encodeProfilesData(applyDialect(exampleProfiles(), 'elastic').data),
};

for (const [name, make] of Object.entries(small)) {
  test(`the export ${name} is byte for byte as it was`, async () => {
    const bytes = Buffer.from(await make());
    const path = join(folder, name);
    if (isUpdate) {
      mkdirSync(folder, { recursive: true });
      writeFileSync(path, bytes);
    }
    assert.ok(existsSync(path), `${name} has no fixture`);
    assert.equal(bytes.toString('hex'), readFileSync(path).toString('hex'));
  });
}

/** Exports of two reporting cycles with everything that a window can hold, alone and with OTLP requests among them, by name. */
async function largeExports(): Promise<Record<string, readonly Uint8Array[]>> {
  const windows = await variedReports();
  const merged = await variedReports({ merge: true });
  const second = windows[1]!;
  const encode = (all: readonly ProfilesData[]): Uint8Array[] => all.map(encodeProfilesData);
  const dialects = dialectNames.map((dialect) => {
    const written = merged.map((data) => applyDialect(data, dialect, { underscores: true, functionsTwice: true }).data);
    return [`merged ${dialect}`, encode(written)] as const;
  });
  const split = (name: string, limits: SplitLimits) => {
    const parts = [...windows, ...merged].flatMap((data) => splitProfiles(data, limits).parts);
    return [`split ${name}`, encode(parts.map(({ data }) => data))] as const;
  };
  return {
    windows: encode(windows),
    'windows as JSON': windows.map((data) => Buffer.from(encodeProfilesJson(data))),
    merged: encode(merged),
    joined: encode([mergeProfiles([...windows, ...merged, exampleProfiles()])]),
    rebuilt: encode(rebuild([...merged, exampleProfiles(), goodProfiles()])),
    edited: encode(merged.map((data) => editProfiles(data, renames))),
    'filtered by chance and by stack': encode(merged.map((data) => editProfiles(data, thins()))),
    'decoded and encoded': encode(encode(merged).map((bytes) => decodeProfilesData(bytes))),
    'each function twice': encode([withFunctionsTwice(second)]),
    'one time each': encode([withDistinctTimes(second)]),
    ...passed([...merged, exampleProfiles(), passingProfiles(1).data]),
    ...Object.fromEntries(dialects),
    ...Object.fromEntries([
      split('by bytes', { maxBytes: 16_384 }),
      split('by samples', { maxItems: 100 }),
      split('by resource', { isByResource: true }),
      split('with each function twice', { maxBytes: 32_768, functionsTwice: true }),
      split('within a budget', { maxBytes: 16_384, maxTotalBytes: () => 100_000 }),
    ]),
  };
}

/** Written anew, with the names that the messages before have brought. */
function rebuild(messages: readonly ProfilesData[]): ProfilesData[] {
  const names = new SymbolMap();
  return messages.map((data) => enrichProfiles(data, names).data);
}

/** Passed undecoded, first without names to give, then with names for all locations of files; and with other resources. */
function passed(messages: readonly ProfilesData[]): Record<string, Uint8Array[]> {
  const unnamed: Uint8Array[] = [];
  const named: Uint8Array[] = [];
  const edited: Uint8Array[] = [];
  for (const data of messages) {
    const bytes = encodeProfilesData(enrichProfiles(data, new SymbolMap()).data);
    const read = () => {
      const { scan } = new MessageReader().read({ encoding: 'protobuf', bytes, isVersionDeclared: true });
      assert.ok(scan.kind === 'passable');
      return scan.profiles;
    };
    const pass = (session: NamingSession): Uint8Array =>
      atOnce(enrichPassable(read(), session, { lately: new LearnedLately(1000) }))!.bytes;
    unnamed.push(pass(new SymbolMap()));
    const lookup = {
      find: (high: number, low: number) => symbolOf(`at ${high} ${low}`, { filePath: 'found.c', line: 1 }),
    };
    named.push(pass({ ...nothing, openFile: () => lookup }));
    const outcome = atOnce(editResources(bytes, renames, { isServiceOnSamples: false }, new KnownResources()));
    edited.push(Buffer.concat(outcome!.pieces));
  }
  return { 'passed without names': unnamed, 'passed with names': named, 'passed with other resources': edited };
}

const nothing: NamingSession = {
  learnExecutable: () => undefined,
  learnSymbol: () => undefined,
  openFile: () => undefined,
  reasonUnknown: () => 'never_submitted',
};

const renames: ResourceEditor = {
  ...noEdits,
  edit: (resources) =>
    resources.map((attributes, i) => ({
      kind: 'kept',
      attributes: i % 3 === 0 ? attributes : [...attributes.slice(1), { key: 'edited', value: BigInt(i) }],
    })),
};

/** Drops a resource, keeps some stacks of the next one, and every second observation of the one after it. */
function thins(): ResourceEditor {
  let observation = 0;
  return {
    ...noEdits,
    edit: (resources) =>
      resources.map((attributes, i) => {
        if (i % 4 === 1) return { kind: 'dropped', by: 'filter' };
        if (i % 4 === 2)
          return { kind: 'kept', attributes, samples: [{ by: 'filter', keepsStack: (types) => types.size < 4 }] };
        const keepsObservation = (): boolean => observation++ % 2 === 0;
        if (i % 4 === 3)
          return { kind: 'kept', attributes, samples: [{ by: 'sampler', keepsObservation, share: 0.5 }] };
        return { kind: 'kept', attributes };
      }),
  };
}

test('large exports of all kinds are byte for byte as they were', async () => {
  const digests: Record<string, string> = {};
  for (const [name, messages] of Object.entries(await largeExports())) {
    assert.ok(messages.length > 0, name);
    const bytes = messages.reduce((sum, { length }) => sum + length, 0);
    const hash = createHash('sha256');
    for (const message of messages) hash.update(message);
    digests[name] = `${messages.length} messages of ${bytes} bytes, ${hash.digest('hex')}`;
  }
  const path = join(folder, 'digests.json');
  if (isUpdate) writeFileSync(path, `${JSON.stringify(digests, undefined, 2)}\n`);
  assert.deepEqual(digests, JSON.parse(readFileSync(path, 'utf8')));
});

test('the windows of large exports hold everything that a window can hold', async () => {
  const [first, second] = await variedReports();
  const { dictionary, resourceProfiles } = first!;
  assert.deepEqual(checkConformance(first!), []);
  assert.deepEqual(checkConformance(second!), []);
  const profiles = profilesOf(first!);
  const samples = profiles.flatMap((profile) => [...profile.samples]);
  const texts = new Set(dictionary.stringTable);
  const types = new Set(profiles.map(({ sampleType }) => dictionary.stringTable.at(sampleType.typeStrindex)));
  assert.ok(resourceProfiles.length > 8, 'resources');
  assert.deepEqual(types, new Set(['samples', 'off_cpu']));
  assert.ok(new Set(profiles.map(({ timeUnixNano }) => timeUnixNano)).size > 1, 'samples from before the cycle');
  assert.ok(
    samples.some(({ linkIndex }) => linkIndex !== 0),
    'links',
  );
  assert.ok(
    samples.some(({ values }) => values.some((value) => value > 2n ** 32n)),
    'values beyond 32 bits',
  );
  assert.ok(
    samples.some(({ values }) => values.length === 0),
    'values of 1',
  );
  assert.ok(
    [...dictionary.stackTable].some(({ locationIndices }) => locationIndices.length > 30),
    'deep stacks',
  );
  assert.ok(
    [...dictionary.locationTable].some(({ lines }) => lines.length === 3),
    'inlined functions',
  );
  assert.ok(
    [...dictionary.locationTable].some(({ lines, address }) => lines.length === 0 && address > 2n ** 63n),
    'no name',
  );
  assert.ok(
    dictionary.mappingTable.some(({ memoryLimit }) => memoryLimit > 0n),
    'mappings',
  );
  for (const text of ['process.context.label.endpoint', 'thread.name', 'cpu.logical_number', 'stub_0_0'])
    assert.ok(texts.has(text), text);
  assert.ok(countSamples(second!) > 0);
});

function profilesOf({ resourceProfiles }: ProfilesData): Profile[] {
  return resourceProfiles.flatMap(({ scopeProfiles }) => scopeProfiles.flatMap(({ profiles }) => profiles));
}

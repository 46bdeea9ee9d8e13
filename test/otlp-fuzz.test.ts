import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import fc from 'fast-check';
import pino from 'pino';
import type { ExportRequest } from '../src/exporters/export-request.ts';
import { encodeProfilesJson } from '../src/otlp/json/encode-profiles-json.ts';
import { decodeAnyWire } from '../src/otlp/protobuf/decode-any-wire.ts';
import { decodeProfilesData } from '../src/otlp/protobuf/decode-profiles-data.ts';
import { encodeProfilesData } from '../src/otlp/protobuf/encode-profiles-data.ts';
import { namesOfStore } from '../src/pipeline/node-names.ts';
import { PassThrough } from '../src/pipeline/pass-through.ts';
import { checkConformance } from '../src/profile/check/check-conformance.ts';
import { OtlpEvents } from '../src/receivers/otlp/otlp-events.ts';
import { ProfilesIntake } from '../src/receivers/otlp/profiles-intake.ts';
import { SymbolStore } from '../src/symbols/symbol-store.ts';
import { exampleProfiles } from './interop/example-profiles.ts';
import { goodProfiles } from './otlp/good-profiles.ts';
import { encodeOldWire } from './otlp/protobuf/encode-old-wire.ts';
import { realRequests } from './otlp/real-requests.ts';
import { FakeClock } from './support/fake-clock.ts';
import { fakeExporter } from './support/fake-exporter.ts';
import { TwoWays } from './support/two-ways.ts';
import { configOf } from './symbols/store-harness.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

// For minutes of it: FRAMEKEEPER_FUZZ_RUNS=1000000 node --test test/otlp-fuzz.test.ts
// More runs of all properties are more runs of this one.
const numRuns = Number(process.env.FRAMEKEEPER_FUZZ_RUNS ?? 5 * Number(process.env.PROPERTY_RUNS ?? 100));

interface Seed {
  readonly name: string;
  readonly encoding: 'protobuf' | 'json';
  readonly bytes: Uint8Array;
}

const ownSeeds: readonly Seed[] = [
  { name: 'the current wire', encoding: 'protobuf', bytes: encodeProfilesData(exampleProfiles()) },
  { name: 'the wire of v1.8', encoding: 'protobuf', bytes: encodeOldWire(goodProfiles(), 'v1.8') },
  { name: 'the wire of v1.9', encoding: 'protobuf', bytes: encodeOldWire(exampleProfiles(), 'v1.9') },
  { name: 'JSON', encoding: 'json', bytes: Buffer.from(encodeProfilesJson(exampleProfiles())) },
];

/** Two requests of a real profiler and two of a Collector, as these wrote them and on the current wire. */
function realSeeds(): Seed[] {
  const encoders = ['profiler', 'collector'] as const;
  return encoders.flatMap((encoder) =>
    realRequests(encoder)
      .slice(0, 2)
      .flatMap((bytes, index) => {
        const current = encodeProfilesData(decodeAnyWire(bytes, false).data);
        return [
          { name: `${encoder}[${index}]`, encoding: 'protobuf', bytes },
          { name: `${encoder}[${index}] on the current wire`, encoding: 'protobuf', bytes: current },
        ] as const;
      }),
  );
}

type Mutation = {
  readonly at: number;
  readonly byte: number;
  readonly kind: 'set' | 'flip' | 'cut' | 'double' | 'drop';
};

const mutations = fc.array(
  fc.record({
    at: fc.nat(2 ** 31 - 1),
    byte: fc.nat(255),
    kind: fc.constantFrom<Mutation['kind']>('set', 'set', 'flip', 'flip', 'cut', 'double', 'drop'),
  }),
  { minLength: 1, maxLength: 6 },
);

function mutate(bytes: Uint8Array, list: readonly Mutation[]): Uint8Array {
  let mutated = Buffer.from(bytes);
  for (const { at, byte, kind } of list) {
    if (mutated.length === 0) break;
    const position = at % mutated.length;
    const end = Math.min(mutated.length, position + 1 + (byte % 40));
    if (kind === 'set') mutated[position] = byte;
    else if (kind === 'flip') mutated[position]! ^= 1 << (byte & 7);
    else if (kind === 'cut') mutated = mutated.subarray(0, position);
    else if (kind === 'drop') mutated = Buffer.concat([mutated.subarray(0, position), mutated.subarray(end)]);
    else mutated = Buffer.concat([mutated.subarray(0, end), mutated.subarray(position)]);
  }
  return mutated;
}

function startIntake(): { intake: ProfilesIntake; requests: ExportRequest[]; store: SymbolStore } {
  const meter = new MeterProvider().getMeter('test');
  const clock = new FakeClock();
  const store = new SymbolStore(configOf({ max_entries: 1_000, max_size_mib: 1 }), () => 0.5);
  const requests: ExportRequest[] = [];
  const sink = new PassThrough({
    names: namesOfStore(store),
    exporters: [fakeExporter('debug', (request) => requests.push(request) > 0)],
    clock,
    meter,
  });
  const errors = { write: (line: string) => assert.doesNotMatch(line, /fault of this service/) };
  const logger = pino({ level: 'error' }, errors);
  const admission = (): undefined => undefined;
  return {
    intake: new ProfilesIntake({ sink, admission, events: new OtlpEvents({ meter, logger, clock }, 'otlp'), clock }),
    requests,
    store,
  };
}

async function fuzz(seeds: readonly Seed[]): Promise<void> {
  const caller = new AbortController();
  const { intake, requests, store } = startIntake();
  let ways = new TwoWays();
  let runs = 0;
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  await fc.assert(
    fc.asyncProperty(fc.nat(seeds.length - 1), mutations, fc.boolean(), async (seed, list, isVersionDeclared) => {
      const { encoding, bytes } = seeds[seed]!;
      const content = { encoding, bytes: mutate(bytes, list), isVersionDeclared };
      // Names of a book without bounds serve some requests, not all.
      if (++runs % 100 === 0) ways = new TwoWays();
      // What a WeakRef was made of lives until the event loop goes on.
      if (runs % 20 === 0) await setImmediate();
      if (encoding === 'protobuf') ways.pass(content);
      const outcome = intake.take({ transport: 'http', ...content, caller });
      assert.ok(!(outcome instanceof Promise), 'no exporter here lets a request wait');
      if (outcome.kind === 'refused') assert.notEqual(outcome.refusal.code, 13, outcome.refusal.message);
      // What is sent on can be read, and every index of it leads somewhere.
      for (const request of requests.splice(0)) {
        const data = decodeProfilesData(request.encoded());
        const isAboutTables = /out of range|referred to by nothing|is the same as|not the zero value/;
        assert.deepEqual(
          checkConformance(data).filter(({ problem }) => isAboutTables.test(problem)),
          [],
        );
      }
      assert.ok(store.stats().bytes <= 2 ** 20);
    }),
    { numRuns },
  );
  await setImmediate();
  collectGarbage();
  const grownMiB = (process.memoryUsage().heapUsed - before) / 2 ** 20;
  assert.ok(grownMiB < 64, `the heap has grown by ${grownMiB} MiB in ${runs} runs`);
}

test('mutated requests are taken, in part or not at all, the same whatever way they go', () => fuzz(ownSeeds));

test('so are mutated requests of real profilers', () => fuzz(realSeeds()));

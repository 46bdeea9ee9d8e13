import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exitCodes } from '../../src/cli/command-io.ts';
import { decodeProfilesData } from '../../src/otlp/protobuf/decode-profiles-data.ts';
import { systemClock } from '../../src/support/clock.ts';
import type { PlainBatch, PlainReply } from '../support/frames-client.ts';
import { FramesClient } from '../support/frames-client.ts';
import { ScriptedOtlpServer } from '../support/otlp-server.ts';
import { plainSamples } from '../support/plain-view.ts';
import { serveConfig } from '../support/serve-config.ts';

// The one test that lets real time pass, on purpose: all others move a clock by hand, and one of them has to show that
// the parts are wired to a clock that runs by itself. It waits for exports, not for timers, and costs next to no CPU.
const exportCount = 20;
const lifetimeMs = 3000;
/** The visitor works until this export, and again when it was away for longer than a lifetime. */
const leavesAfter = 4;
const awayMs = lifetimeMs + 1500;

const jvm = 3;
const cpython = 4;
const strings = [
  'samples',
  'count',
  'cpu',
  'nanoseconds',
  'java',
  'visitor',
  'Work.run',
  'Interpreter',
  'handle',
  'stay',
];
const text = (value: string): number => strings.indexOf(value) + 1;

const common: PlainBatch = {
  collector: { instanceId: Buffer.alloc(16, 7) },
  strings,
  fileIds: Buffer.concat([Buffer.alloc(16, 1), Buffer.alloc(16, 2)]),
  profileTypes: [{ sampleType: 1, sampleUnit: 2, periodType: 3, periodUnit: 4, period: 50_000_000 }],
};
/** A JVM that always works: a method and an interpreter. */
const jvmFrames = [
  { fileId: 1, addressOrLine: 8, kind: jvm },
  { process: 1, addressOrLine: 0x7f00_0010n, kind: jvm },
];
const jvmProcess = { pid: 42, startTimeNano: 1, comm: text('java') };
/** A process that comes and goes. */
const visitorFrames = [
  { fileId: 2, addressOrLine: 16, kind: cpython },
  { process: 2, addressOrLine: 0x7f00_0010n, kind: jvm },
];
const visitorProcess = { pid: 43, startTimeNano: 1, comm: text('visitor') };

const alone: PlainBatch = { ...common, frames: jvmFrames, stacks: [{ frames: [1, 2] }], processes: [jvmProcess] };
const together: PlainBatch = {
  ...common,
  frames: [...jvmFrames, ...visitorFrames],
  stacks: [{ frames: [1, 2] }, { frames: [3, 4] }],
  processes: [jvmProcess, visitorProcess],
};

const symbolOfJvm = { fileId: 1, addressOrLine: 8, locations: [{ function: text('Work.run') }] };
const symbolOfVisitor = { fileId: 2, addressOrLine: 16, locations: [{ function: text('handle') }] };
const stubOfJvm = { process: 1, start: 0x7f00_0000n, length: 64, name: text('Interpreter') };
const stubOfVisitor = { process: 2, start: 0x7f00_0000n, length: 64, name: text('stay') };

const sampleOf = (process: number): PlainBatch => {
  return { stack: process, process, profileType: 1, timestamps: [systemClock.unixNano()] };
};

interface Course {
  /** Replies that asked for names, by the number of exports before them. */
  readonly asked: { readonly after: number; readonly names: PlainReply['namesNeeded'] }[];
  /** After how many exports the visitor came back; 0 for never. */
  cameBackAfter: number;
  /** Number of exports before the first batch that came late: a machine that stood still proves nothing about what is asked. */
  steadyExports: number;
}

/** Sends a batch after each export, and what a reply asks for with the next one. */
async function collect(port: number, server: ScriptedOtlpServer): Promise<Course> {
  const client = new FramesClient(port);
  const course: Course = { asked: [], cameBackAfter: 0, steadyExports: exportCount };
  let sentMs = systemClock.nowMs();
  let visitedMs = sentMs;
  let names: PlainBatch = { symbols: [symbolOfJvm, symbolOfVisitor], stubs: [stubOfJvm, stubOfVisitor] };
  for (let exports = 0; exports < exportCount; exports++) {
    const nowMs = systemClock.nowMs();
    if (nowMs - sentMs > lifetimeMs / 2) course.steadyExports = Math.min(course.steadyExports, exports);
    sentMs = nowMs;
    const isVisiting = exports < leavesAfter || nowMs - visitedMs > awayMs || course.cameBackAfter > 0;
    if (isVisiting && exports >= leavesAfter) course.cameBackAfter ||= exports;
    if (isVisiting) visitedMs = nowMs;
    const batch = isVisiting
      ? { ...together, samples: [sampleOf(1), sampleOf(2)] }
      : { ...alone, samples: [sampleOf(1)] };
    const { namesNeeded } = await client.submit({ ...batch, ...names });
    names = {};
    if (namesNeeded.length > 0) {
      course.asked.push({ after: exports, names: namesNeeded });
      names = { symbols: [symbolOfVisitor], stubs: [stubOfVisitor] };
    }
    await server.until(({ requests }) => requests.length > exports);
  }
  client.close();
  return course;
}

async function runService(server: ScriptedOtlpServer): Promise<Course> {
  const config = `
receivers: {frames: {protocols: {grpc: {endpoint: "127.0.0.1:0"}}}}
processors: {symbol_store: {lifetime: 3s, names_needed: {interval: 1s}}, reporting_cycle: {interval: 1s, jitter: 0}}
exporters: {otlp_grpc: {endpoint: "${server.endpoint}"}}
service:
  pipelines: {profiles: {receivers: [frames], processors: [symbol_store, reporting_cycle], exporters: [otlp_grpc]}}
  telemetry: {logs: {level: error}, metrics: {level: none}}
`;
  let course: Course | undefined;
  const { code } = await serveConfig(config, async (service) => {
    const [port] = service.receiverPorts.values();
    course = await collect(port!, server);
    return exitCodes.ok;
  });
  assert.equal(code, exitCodes.ok);
  return course!;
}

test('for twenty seconds of real time, names that were sent once are in every export', async (t) => {
  const server = await ScriptedOtlpServer.start();
  const { asked, cameBackAfter, steadyExports } = await runService(server);
  await server.stop();
  const exported = server.requests.map(({ bytes }) => plainSamples(decodeProfilesData(bytes)));
  const framesOf = (service: string): string[][] => {
    return exported.map((samples) =>
      samples.filter((sample) => sample.service.endsWith(service)).flatMap(({ frames }) => frames),
    );
  };
  for (const [index, frames] of framesOf('java').slice(0, steadyExports).entries()) {
    assert.deepEqual([...new Set(frames)].sort(), ['Interpreter', 'Work.run'], `export ${index}`);
  }
  if (steadyExports < exportCount) return t.skip(`the machine stood still after ${steadyExports} exports`);
  assert.ok(cameBackAfter > leavesAfter, 'the visitor did not come back');
  const visits = framesOf('visitor').flat();
  assert.deepEqual([...new Set(visits)].sort(), ['handle', 'stay'], 'names of the visitor');
  assert.ok(framesOf('visitor').slice(cameBackAfter).flat().length > 0, 'the visitor was not reported again');
  // Its names, file and process, were asked for once, at once; those in use never were.
  assert.deepEqual(
    asked.map(({ after, names }) => [after, names.map(({ pid, fileId }) => [pid, fileId])]),
    [
      [
        cameBackAfter,
        [
          [0, '02'.repeat(16)],
          [43, ''],
        ],
      ],
    ],
  );
});

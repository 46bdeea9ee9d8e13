import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import type { CollectedFrame, Recording } from '../../src/cli/replay/collected.ts';
import { encodeBatch } from '../../src/cli/replay/frames-wire.ts';
import { bundledRecordings, readRecording } from '../../src/cli/replay/read-recording.ts';
import { frameTypeName } from '../../src/model/frame-kind.ts';
import { decodeProfilesData } from '../../src/otlp/protobuf/decode-profiles-data.ts';
import { checkConformance } from '../../src/profile/check/check-conformance.ts';
import { systemClock } from '../../src/support/clock.ts';
import { batchesOf } from '../support/batches-of.ts';
import { FramesClient } from '../support/frames-client.ts';
import { runReporter } from './ebpf-reporter.ts';
import type { Observation, ObservedFrame } from './observations.ts';
import { observationsOf } from './observations.ts';
import { profcheck } from './profcheck.ts';
import { expectedObservations, reporterDocument } from './reporter-document.ts';

const timeout = 120_000;

const passThrough = { way: 'request by request', cycle: '{interval: 1h}' };
const merged = { way: 'in the reporting cycle', cycle: '{interval: 1s, otlp_profiles: merge}' };

for (const { name, way, cycle } of [
  ...bundledRecordings.map((name) => ({ name, ...passThrough })),
  ...['kern', 'python'].map((name) => ({ name, ...merged })),
]) {
  const title = `what the eBPF profiler's reporter sends of "${name}" comes out ${way}, complete and with the names that collectors told`;
  test(title, { timeout }, async () => {
    const recording = readUnsymbolized(name);
    const document = reporterDocument(recording, justBefore(recording));
    const named = everyThirdNativeFrame(recording);
    const before = (port: number): Promise<void> => submitNames(port, named);
    const messages = await runReporter(document, { flags: ['-tell-stacks-apart'], cycle, before });
    for (const message of messages) {
      const { hasPassed, output } = await profcheck(message);
      assert.ok(hasPassed, output);
    }
    const data = messages.map(decodeProfilesData);
    for (const message of data) assert.deepEqual(checkConformance(message), []);
    const nameOf = new Map(named.map((frame) => [`${frame.owner} ${frame.address}`, nameFor(frame)]));
    const withNames = expectedObservations(document).map((observation) => ({
      ...observation,
      stack: observation.stack.map((frame) => withName(frame, nameOf)),
    }));
    assertSame(data.flatMap(observationsOf).map(inFull), withNames.map(inFull));
  });
}

/**
 * The reporter's key for a stack hashes file IDs and addresses, and code of an interpreter has neither: different stacks
 * of equal depth become the first of them, on one thread and CPU in one cycle. Java is not here: its frames carry a
 * bytecode index that the recording lacks.
 */
for (const { name, isHit } of [
  { name: 'two functions', isHit: true },
  { name: 'python', isHit: true },
  { name: 'node', isHit: true },
  { name: 'kern', isHit: false },
  { name: 'c', isHit: false },
]) {
  test(`stacks of "${name}" stay apart on the raw path, whatever the reporter makes of them`, {
    timeout,
  }, async (t) => {
    const recording = name === 'two functions' ? twoFunctions() : firstCycle(readUnsymbolized(name));
    const start = justBefore(recording);
    const document = reporterDocument(recording, start);
    const before = (port: number): Promise<void> => submitRecording(port, recording, start);
    const messages = await runReporter(document, { before });
    const expected = expectedObservations(document).map(asRead);
    const observations = messages.map(decodeProfilesData).flatMap(observationsOf);
    const [reporter, ours] = ['ebpf-reporter', 'framekeeper-replay'].map((scope) =>
      observations.filter((observation) => observation.scope === scope).map(asRead),
    ) as [string[], string[]];
    assert.equal(reporter.length, expected.length);
    assertSame(ours, expected);
    const wrong = [...surplusOf(reporter, expected).values()].reduce((sum, count) => sum + Math.max(0, count), 0);
    t.diagnostic(`${name}: ${wrong} of ${expected.length} samples have another's stack after the reporter, 0 of ours`);
    const news = 'the pinned reporter tells these stacks apart: take -tell-stacks-apart away, and this test';
    assert.equal(wrong > 0, isHit, isHit ? news : `${wrong} samples have another's stack`);
  });
}

/** Two Python functions under the same native frame, seen once and twice on one thread and CPU. */
function twoFunctions(): Recording {
  const { samples, ...python } = readUnsymbolized('python');
  const sample = samples.find(({ frames }) => frames.at(-1)?.name?.kind === 'symbol')!;
  const native = sample.frames[0]!;
  const python1 = sample.frames.at(-1)!;
  const called = (functionName: string, address: bigint): CollectedFrame => {
    const symbol = { ...emptySymbol, functionName, filePath: '/srv/app/shop.py', line: 12 };
    return { ...python1, address, name: { kind: 'symbol', symbol } };
  };
  const [parse, render] = [called('parse', 2n), called('render', 4n)];
  const leaves = [parse, render, render];
  return {
    ...python,
    samples: leaves.map((leaf, i) => ({ ...sample, timeNano: BigInt(i) * sample.type.period, frames: [native, leaf] })),
  };
}

const emptySymbol = { functionName: '', systemName: '', filePath: '', line: 0, column: 0, startLine: 0, inlined: [] };

/** The recording as the eBPF profiler sees it: native frames have no names. Equal frames stay one object. */
function readUnsymbolized(name: string): Recording {
  const recording = readRecording(name);
  const unnamed = new Map<CollectedFrame, CollectedFrame>();
  const withoutName = (frame: CollectedFrame): CollectedFrame => {
    if (frameTypeName(frame.kind) !== 'native') return frame;
    const known = unnamed.get(frame) ?? { ...frame, name: undefined };
    unnamed.set(frame, known);
    return known;
  };
  const samples = recording.samples.map((sample) => ({ ...sample, frames: sample.frames.map(withoutName) }));
  return { ...recording, samples };
}

/** Five seconds: the reporter's own default for a cycle. */
function firstCycle(recording: Recording): Recording {
  const end = recording.samples[0]!.timeNano + 5_000_000_000n;
  return { ...recording, samples: recording.samples.filter(({ timeNano }) => timeNano < end) };
}

async function submitRecording(port: number, recording: Recording, startUnixNano: bigint): Promise<void> {
  const client = new FramesClient(port);
  try {
    for (const batch of batchesOf(recording, randomBytes(16), startUnixNano)) {
      const { rejections } = await client.submit(encodeBatch(batch));
      assert.deepEqual(rejections, []);
    }
  } finally {
    client.close();
  }
}

/** Thread, CPU, and the stack as a flame graph would show it: both paths can be compared by it. */
function asRead({ attributes, stack }: Observation): string {
  const [cpu, thread] = ['cpu.logical_number', 'thread.id'].map(
    (key) => attributes.find(([name]) => name === key)?.[1],
  );
  const frames = stack.map(({ type, address, mapping, lines }) => {
    const named = lines.map((line) => `${line.function} ${line.file}:${line.line}`);
    return `${type} ${named.length > 0 ? named : `${mapping?.fileName}+${address}`}`;
  });
  return `thread ${thread} CPU ${cpu}: ${frames.join(' < ')}`;
}

/** When the recording must have begun to end a moment ago. */
function justBefore({ samples }: Recording): bigint {
  return systemClock.unixNano() - (samples.at(-1)!.timeNano - samples[0]!.timeNano) - 1_000_000_000n;
}

function everyThirdNativeFrame({ samples }: Recording): CollectedFrame[] {
  const native = new Set(
    samples.flatMap(({ frames }) => frames).filter(({ kind }) => frameTypeName(kind) === 'native'),
  );
  return [...native].filter((_, index) => index % 3 === 0);
}

function nameFor({ address }: CollectedFrame): string {
  return `function_at_${address.toString(16)}`;
}

/** What a collector tells that symbolizes native code itself. */
async function submitNames(port: number, frames: readonly CollectedFrame[]): Promise<void> {
  const client = new FramesClient(port);
  try {
    await client.submit({
      collector: { instanceId: Buffer.alloc(16, 9) },
      strings: frames.map(nameFor),
      fileIds: Buffer.from(frames.map(({ owner }) => owner).join(''), 'hex'),
      symbols: frames.map(({ address }, i) => ({
        fileId: i + 1,
        addressOrLine: address,
        locations: [{ function: i + 1 }],
      })),
    });
  } finally {
    client.close();
  }
}

function withName(frame: ObservedFrame, nameOf: ReadonlyMap<string, string>): ObservedFrame {
  const [, fileId] = frame.mapping?.attributes.find(([key]) => key === 'process.executable.build_id.htlhash') ?? [];
  const name = nameOf.get(`${fileId} ${frame.address}`);
  return name === undefined ? frame : { ...frame, lines: [{ function: name, file: '', line: 0 }] };
}

function inFull({ timeUnixNano, scope, type, resource, attributes, stack }: Observation): string {
  return JSON.stringify([timeUnixNano, scope, type, resource, attributes, stack], (_, value) =>
    typeof value === 'bigint' ? `${value}n` : value,
  );
}

/** @throws AssertionError with the first differences unless both hold the same texts as often. */
function assertSame(actual: readonly string[], expected: readonly string[]): void {
  const surplus = surplusOf(actual, expected);
  const differences = [...surplus].filter(([, count]) => count !== 0);
  const shown = differences.slice(0, 4).map(([text, count]) => `${count > 0 ? '+' : ''}${count}: ${text}`);
  assert.ok(differences.length === 0, `${differences.length} differ, of ${expected.length}:\n${shown.join('\n')}`);
}

function surplusOf(actual: readonly string[], expected: readonly string[]): Map<string, number> {
  const surplus = new Map<string, number>();
  for (const text of actual) surplus.set(text, (surplus.get(text) ?? 0) + 1);
  for (const text of expected) surplus.set(text, (surplus.get(text) ?? 0) - 1);
  return surplus;
}

import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { buildIdsIn, htlhashOf, readBuildIds } from '../src/native/elf/build-id.ts';
import { MemorySource } from '../src/native/elf/byte-source.ts';
import { readElfFile } from '../src/native/elf/elf-file.ts';
import { decodeProfilesData } from '../src/otlp/protobuf/decode-profiles-data.ts';
import { encodeProfilesData } from '../src/otlp/protobuf/encode-profiles-data.ts';
import { buildData } from './support/build-data.ts';
import type { PlainBatch } from './support/frames-client.ts';
import { FramesClient, smallBatch } from './support/frames-client.ts';
import { exportOverGrpc } from './support/otlp-sender.ts';
import { patienceMs } from './support/patience.ts';
import { readProtoFile } from './support/proto-file.ts';
import type { ReportedFrame } from './support/recorded-run.ts';
import { framesOf } from './support/recorded-run.ts';
import type { RunningService } from './support/running-service.ts';
import { startService } from './support/running-service.ts';

interface NamedNode {
  readonly running: RunningService;
  readonly client: FramesClient;
  readonly reported: () => ReportedFrame[];
}

/** A service that reads the files of this machine's processes. */
async function startNode(t: TestContext, symbolizer = '', interval = '100ms', otlpProfiles = ''): Promise<NamedNode> {
  const folder = mkdtempSync(join(tmpdir(), 'framekeeper-native-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'profiles');
  const running = await startService(
    t,
    `
receivers: {frames: {protocols: {grpc: {endpoint: "127.0.0.1:0"}}}, otlp: {protocols: {grpc: {endpoint: "127.0.0.1:0"}}}}
processors: {symbol_store: , symbolizer: {debug_directories: [], ${symbolizer}}, reporting_cycle: {interval: ${interval}, jitter: 0, ${otlpProfiles}}}
exporters: {file: {path: "${path}", format: proto}}
service:
  pipelines: {profiles: {receivers: [frames, otlp], processors: [symbol_store, symbolizer, reporting_cycle], exporters: [file]}}`,
  );
  const client = new FramesClient(running.service.receiverPorts.get('frames')!);
  t.after(() => client.close());
  const reported = (): ReportedFrame[] => framesOf(readProtoFile(path).map(decodeProfilesData));
  return { running, client, reported };
}

/** A process of this machine's own, and a batch with a sample in the first function of its executable. */
async function sampleChild(t: TestContext): Promise<{ child: ChildProcess; batch: (more?: PlainBatch) => PlainBatch }> {
  const child = spawn(process.execPath, ['-e', 'console.log(1); setInterval(() => {}, 1000)'], { stdio: 'pipe' });
  t.after(() => child.kill('SIGKILL'));
  await once(child.stdout!, 'data');
  const bytes = readFileSync(`/proc/${child.pid}/exe`);
  const source = new MemorySource(bytes);
  const entry = bytes.readBigUInt64LE(24);
  const batch = (more: PlainBatch = {}): PlainBatch =>
    smallBatch([systemNano()], {
      strings: ['samples', 'count', 'cpu', 'nanoseconds', 'node', readBuildIds(readElfFile(source)!).gnu],
      fileIds: Buffer.from(htlhashOf(source), 'hex'),
      frames: [{ fileId: 1, addressOrLine: entry, kind: 1 }],
      processes: [{ pid: child.pid, comm: 5 }],
      ...more,
    });
  return { child, batch };
}

function systemNano(): bigint {
  return BigInt(Date.now()) * 1_000_000n;
}

/** Waits until a metric has been counted. */
async function counted(running: RunningService, name: string): Promise<void> {
  const endMs = Date.now() + patienceMs;
  while ((await running.metric(name)) === 0) {
    assert.ok(Date.now() < endMs, `${name} was not counted`);
    await sleep(20);
  }
}

test('a native frame that nobody named has its name in the first report', async (t) => {
  const { batch } = await sampleChild(t);
  const { running, client, reported } = await startNode(t, '', '1h');
  await client.submit(batch());
  await counted(running, 'framekeeper_symbolizer_addresses{outcome="named"}');
  await running.stop();
  assert.deepEqual(
    reported().map(({ name }) => name),
    ['_start'],
  );
});

test('a sample waits for one cycle while the name of a frame is under way', async (t) => {
  const { batch } = await sampleChild(t);
  const { running, client, reported } = await startNode(t, '', '10ms');
  await client.submit(batch());
  await counted(running, 'framekeeper_symbolizer_addresses{outcome="named"}');
  // The first sample may have been reported without its name by then, a later one never.
  await client.submit(batch());
  await running.stop();
  assert.equal(reported().at(-1)!.name, '_start');
  assert.ok((await running.metric('framekeeper_held_trace_events')) > 0);
});

test('a name that a collector gave stays', async (t) => {
  const { batch } = await sampleChild(t);
  const { running, client, reported } = await startNode(t, '', '500ms');
  const strings = ['samples', 'count', 'cpu', 'nanoseconds', 'node', 'what the collector says'];
  const plain = batch();
  const { addressOrLine } = (plain.frames as { addressOrLine: bigint }[])[0]!;
  await client.submit(plain);
  await client.submit({
    ...batch({ strings, samples: [], symbols: [{ fileId: 1, addressOrLine, locations: [{ function: 6 }] }] }),
    sequence: 2,
  });
  await counted(running, 'framekeeper_symbolizer_addresses{outcome="named"}');
  // Of the next cycle, so that its name is the store's.
  await counted(running, 'framekeeper_reported_trace_events');
  await client.submit({ ...batch(), sequence: 3 });
  await running.stop();
  assert.deepEqual(
    reported().map(({ name }) => name),
    ['what the collector says', 'what the collector says'],
  );
});

for (const { name, symbolizer, change, reason, metric } of [
  {
    name: 'another build ID',
    symbolizer: '',
    change: {
      fileIds: Buffer.alloc(16, 9),
      executables: [{ fileId: 1, fileName: 5, gnuBuildId: 6 }],
      strings: ['samples', 'count', 'cpu', 'nanoseconds', 'node', 'abcdef'],
    },
    reason: 'build_id_differs',
    metric: 'framekeeper_symbolizer_file_misses{reason="build_id_differs"}',
  },
  {
    name: 'no such process',
    symbolizer: '',
    change: { processes: [{ pid: 4_194_305, comm: 5 }] },
    reason: 'no_process',
    metric: 'framekeeper_symbolizer_file_misses{reason="no_process"}',
  },
  {
    name: 'an address outside of code',
    symbolizer: '',
    change: { frames: [{ fileId: 1, addressOrLine: 0x10n, kind: 1 }] },
    reason: 'no_symbol',
    metric: 'framekeeper_symbolizer_addresses{outcome="no_symbol"}',
  },
]) {
  test(`a frame without a name is counted by why: ${name}`, async (t) => {
    const { batch } = await sampleChild(t);
    const { running, client, reported } = await startNode(t, symbolizer, '1h');
    await client.submit(batch(change));
    await counted(running, metric);
    await running.stop();
    assert.deepEqual(
      reported().map(({ isNamed }) => isNamed),
      [false],
    );
    assert.equal(await running.metric(`framekeeper_unresolved_frames{reason="${reason}",frame_type="native"}`), 1);
  });
}

/** A request of the OTLP profiler of a node: one location without a line, in a file that this machine's processes have mapped. */
async function sendOtlp({ running }: NamedNode): Promise<void> {
  const bytes = readFileSync(process.execPath);
  const mapping = { 'process.executable.build_id.htlhash': htlhashOf(new MemorySource(bytes)) };
  const frame = { address: bytes.readBigUInt64LE(24), file: basename(process.execPath), mapping };
  const data = buildData({ samples: [{ stack: [frame], at: [1] }] });
  await exportOverGrpc(running.service.receiverPorts.get('otlp')!, encodeProfilesData(data));
}

test('OTLP that passes is named from the second request on, around its bytes', async (t) => {
  const node = await startNode(t);
  await sendOtlp(node);
  await counted(node.running, 'framekeeper_symbolizer_addresses{outcome="named"}');
  await sendOtlp(node);
  await node.running.stop();
  assert.deepEqual(
    node.reported().map(({ name }) => name),
    ['', '_start'],
  );
  assert.equal(await node.running.metric('framekeeper_otlp_passed_requests{way="named"}'), 1);
});

test('OTLP that passes is named from the first request on where it may wait', async (t) => {
  const node = await startNode(t, 'hold: 60s');
  await sendOtlp(node);
  await node.running.stop();
  assert.deepEqual(
    node.reported().map(({ name }) => name),
    ['_start'],
  );
});

test('OTLP that is merged has the names that came until the tick', async (t) => {
  const node = await startNode(t, '', '1h', 'otlp_profiles: merge');
  await sendOtlp(node);
  await counted(node.running, 'framekeeper_symbolizer_addresses{outcome="named"}');
  await node.running.stop();
  assert.deepEqual(
    node.reported().map(({ name }) => name),
    ['_start'],
  );
});

interface Generated {
  readonly pid: number;
  /** An address in the middle of a function that was compiled. */
  readonly address: bigint;
  readonly name: string;
}

/** A Node.js process of its own that writes a perf map, and one of its compiled functions. */
async function runGenerated(t: TestContext): Promise<Generated> {
  const script = 'function hotFunction(n) { let x = 0; for (let i = 0; i < n; i++) x += i % 7; return x; }';
  const code = `${script} setInterval(() => hotFunction(1e6), 1); setTimeout(() => console.log(1), 100);`;
  const child = spawn(process.execPath, ['--perf-basic-prof', '-e', code], { stdio: 'pipe' });
  t.after(() => {
    child.kill('SIGKILL');
    rmSync(`/tmp/perf-${child.pid}.map`, { force: true });
  });
  await once(child.stdout!, 'data');
  const endMs = Date.now() + patienceMs;
  const find = (): string | undefined =>
    readFileSync(`/tmp/perf-${child.pid}.map`, 'utf8')
      .split('\n')
      .findLast((each) => each.includes('hotFunction'));
  let line = find();
  for (; line === undefined; line = find()) {
    assert.ok(Date.now() < endMs, 'V8 has compiled no function');
    await sleep(20);
  }
  const [start, size] = line.split(' ') as [string, string];
  return { pid: child.pid!, address: BigInt(`0x${start}`) + BigInt(`0x${size}`) / 2n, name: 'hotFunction' };
}

test('generated code that nobody named has the name of the perf map of its process', async (t) => {
  const { pid, address, name } = await runGenerated(t);
  const { running, client, reported } = await startNode(t, '', '1h');
  const frames = [{ process: 1, addressOrLine: address, kind: 1 }];
  await client.submit(smallBatch([systemNano()], { fileIds: Buffer.alloc(0), frames, processes: [{ pid, comm: 5 }] }));
  await counted(running, 'framekeeper_symbolizer_names{source="perf_map"}');
  await running.stop();
  assert.deepEqual(
    reported().map((frame) => frame.name),
    [name],
  );
});

test('generated code of OTLP that passes has the name of the perf map of the one process that has it', async (t) => {
  const { pid, address, name } = await runGenerated(t);
  const node = await startNode(t, 'hold: 60s');
  const profile = (processId: number) => ({
    resource: { 'service.name': `${processId}`, 'process.pid': BigInt(processId) },
    samples: [{ stack: [{ address }], at: [1] }],
  });
  const send = (...processIds: number[]): Promise<unknown> =>
    exportOverGrpc(
      node.running.service.receiverPorts.get('otlp')!,
      encodeProfilesData(buildData(...processIds.map(profile))),
    );
  await send(pid);
  // Of two processes nobody can say whose address a location has.
  await send(1, pid);
  await node.running.stop();
  assert.deepEqual(
    node.reported().map((frame) => frame.name),
    [name, '', ''],
  );
});

const kernelBuildId = readKernelBuildId();
const kernelFunction = kernelBuildId === '' ? undefined : readKernelFunction();

/** Build ID of the running kernel; empty where it is hidden. */
function readKernelBuildId(): string {
  try {
    return buildIdsIn(readFileSync('/sys/kernel/notes')).gnu;
  } catch {
    return '';
  }
}

/** A function that every kernel has; `undefined` where addresses are hidden. */
function readKernelFunction(): { address: bigint; name: string } | undefined {
  const address = /^([0-9a-f]{16}) T vfs_read$/m.exec(readFileSync('/proc/kallsyms', 'utf8'))?.[1] ?? '0';
  return BigInt(`0x${address}`) === 0n ? undefined : { address: BigInt(`0x${address}`), name: 'vfs_read' };
}

const kernelSkip = kernelFunction === undefined && 'the kernel hides its addresses or its build ID';

test('a kernel frame that nobody named has the name that the running kernel tells', { skip: kernelSkip }, async (t) => {
  const { address, name } = kernelFunction!;
  const { running, client, reported } = await startNode(t, '', '1h');
  const batch = smallBatch([systemNano()], {
    strings: ['samples', 'count', 'cpu', 'nanoseconds', 'shell', 'vmlinux', kernelBuildId, '00'.repeat(20)],
    fileIds: Buffer.concat([Buffer.alloc(16, 9), Buffer.alloc(16, 8)]),
    executables: [
      { fileId: 1, fileName: 6, gnuBuildId: 7 },
      { fileId: 2, fileName: 6, gnuBuildId: 8 },
    ],
    frames: [
      { fileId: 1, addressOrLine: address + 4n, kind: 2 },
      { fileId: 2, addressOrLine: address + 4n, kind: 2 },
    ],
    stacks: [{ frames: [1, 2] }],
    processes: [{ pid: process.pid, comm: 5 }],
  });
  await client.submit(batch);
  await counted(running, 'framekeeper_symbolizer_names{source="kallsyms"}');
  await counted(running, 'framekeeper_symbolizer_file_misses{reason="build_id_differs"}');
  await running.stop();
  assert.deepEqual(
    reported().map((frame) => frame.name),
    [name, ''],
  );
});

test('a kernel frame of OTLP that passes has the name that the running kernel tells', {
  skip: kernelSkip,
}, async (t) => {
  const { address, name } = kernelFunction!;
  const node = await startNode(t, 'hold: 60s');
  const mapping = { 'process.executable.build_id.gnu': kernelBuildId };
  const frame = { address: address + 4n, file: 'vmlinux', type: 'kernel', mapping };
  const data = buildData({ samples: [{ stack: [frame], at: [1] }] });
  await exportOverGrpc(node.running.service.receiverPorts.get('otlp')!, encodeProfilesData(data));
  await node.running.stop();
  assert.deepEqual(
    node.reported().map((reported) => reported.name),
    [name],
  );
});

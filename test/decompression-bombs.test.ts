import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http2';
import http2 from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { constants, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { status } from '@grpc/grpc-js';
import type { RunningChild } from './support/child-process.ts';
import { runChild, waitForHealth } from './support/child-process.ts';
import { freePorts } from './support/free-ports.ts';

const main = join(import.meta.dirname, '../src/main.ts');
const bombBytes = 256 << 20;
// What the service may take in memory while it refuses one: far less than the bomb, more than its bounds of 4 and 20 MiB
// and the noise of a collector of garbage.
const allowanceBytes = 128 << 20;

interface Target {
  readonly child: RunningChild;
  readonly grpc: string;
  readonly http: string;
  /** The most memory that the process has ever had. */
  readonly peakBytes: () => number;
}

async function startService(t: TestContext): Promise<Target> {
  const folder = mkdtempSync(join(tmpdir(), 'framekeeper-bombs-'));
  const [grpc, http, health] = (await freePorts(3)) as [number, number, number];
  const config = join(folder, 'config.yaml');
  writeFileSync(
    config,
    `
receivers:
  frames: {protocols: {grpc: {endpoint: "127.0.0.1:${grpc}"}}}
  otlp: {protocols: {grpc: {endpoint: "127.0.0.1:${grpc}"}, http: {endpoint: "127.0.0.1:${http}"}}}
processors: {symbol_store: {}, reporting_cycle: {}}
exporters: {debug: {}}
extensions: {health_check: {endpoint: "127.0.0.1:${health}"}}
service:
  extensions: [health_check]
  pipelines: {profiles: {receivers: [frames, otlp], processors: [symbol_store, reporting_cycle], exporters: [debug]}}
  telemetry: {metrics: {level: none}}
`,
  );
  const child = runChild(process.execPath, [main, '--config', config]);
  t.after(async () => {
    await child.stop();
    rmSync(folder, { recursive: true });
  });
  await waitForHealth(`http://127.0.0.1:${health}/`, child, 60_000);
  const peakBytes = (): number => {
    const text = readFileSync(`/proc/${child.pid}/status`, 'utf8');
    return Number(/VmHWM:\s+(\d+) kB/.exec(text)![1]) * 1024;
  };
  return {
    child,
    grpc: `http://127.0.0.1:${grpc}`,
    http: `http://127.0.0.1:${http}/v1development/profiles`,
    peakBytes,
  };
}

/** The status of a gRPC call with one message, compressed by the caller. */
async function callWith(origin: string, path: string, encoding: string, message: Uint8Array): Promise<number> {
  const session = http2.connect(origin);
  try {
    const head = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' };
    const request = session.request({ ...head, 'grpc-encoding': encoding });
    const prefix = Buffer.alloc(5);
    prefix[0] = 1;
    prefix.writeUInt32BE(message.length, 1);
    request.end(Buffer.concat([prefix, message]));
    let code: string | undefined;
    const note = (headers: IncomingHttpHeaders): void => {
      code ??= headers['grpc-status'] as string | undefined;
    };
    request.on('response', note).on('trailers', note).resume();
    await once(request, 'close');
    return Number(code);
  } finally {
    session.destroy();
  }
}

/** A block of snappy that says how long it is, and then refers back to itself, 64 bytes at a time. */
function snappyBomb(): Buffer {
  const head = Buffer.from([0x80, 0x80, 0x80, 0x80, 0x01, 0x00, 0x00]);
  const copy = Buffer.from([0xfe, 0x01, 0x00]);
  return Buffer.concat([head, Buffer.alloc((bombBytes / 64) * copy.length, copy)]);
}

/** Asks for a window of 128 MiB, to put one letter into it: RFC 8878, 3.1.1.1.2. */
const windowBomb = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x88, 0x09, 0x00, 0x00, 0x61]);

const hasProc = process.platform === 'linux';

test('what would be 256 MiB is refused before it is', { skip: hasProc ? false : 'reads /proc' }, async (t) => {
  const { grpc, http, peakBytes } = await startService(t);
  const zeros = Buffer.alloc(bombBytes);
  const gzip = gzipSync(zeros, { level: 1 });
  const deflate = deflateSync(zeros, { level: 1 });
  const zstd = zstdCompressSync(zeros, { params: { [constants.ZSTD_c_compressionLevel]: 1 } });
  const before = peakBytes();

  for (const [encoding, bomb] of [
    ['gzip', gzip],
    ['deflate', deflate],
    ['zstd', zstd],
    ['zstd', windowBomb],
    ['snappy', snappyBomb()],
  ] as const) {
    const headers = { 'content-type': 'application/x-protobuf', 'content-encoding': encoding };
    const response = await fetch(http, { method: 'POST', headers, body: new Uint8Array(bomb) });
    assert.equal(response.status, 413, encoding);
    await response.arrayBuffer();
  }
  for (const path of [
    '/framekeeper.frames.v1.FramesService/Submit',
    '/framekeeper.frames.v1.FramesService/Stream',
    '/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export',
  ]) {
    assert.equal(await callWith(grpc, path, 'gzip', gzip), status.RESOURCE_EXHAUSTED, path);
    for (const [encoding, bomb] of [
      ['deflate', deflate],
      ['zstd', zstd],
      ['zstd', windowBomb],
    ] as const) {
      assert.equal(await callWith(grpc, path, encoding, bomb), status.RESOURCE_EXHAUSTED, `${path} ${encoding}`);
    }
  }

  const grownBytes = peakBytes() - before;
  assert.ok(grownBytes < allowanceBytes, `memory grew by ${Math.round(grownBytes / 1048576)} MiB`);
});

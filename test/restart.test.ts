import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeProfilesData } from '../src/otlp/protobuf/decode-profiles-data.ts';
import { systemClock } from '../src/support/clock.ts';
import { decodeHeader, headerBytes } from '../src/symbols/snapshot/snapshot-format.ts';
import { childConfig } from './support/child-config.ts';
import type { RunningChild } from './support/child-process.ts';
import { runChild, waitForHealth } from './support/child-process.ts';
import type { PlainBatch, PlainReply } from './support/frames-client.ts';
import { FramesClient, smallBatch } from './support/frames-client.ts';
import { freePorts } from './support/free-ports.ts';
import { patienceMs } from './support/patience.ts';
import { readProtoFile } from './support/proto-file.ts';

const main = join(import.meta.dirname, '../src/main.ts');
const methodCount = 300;
const jvm = 3;

/** A service that survives restarts, in a folder that is gone after the test. */
class RestartingService {
  readonly snapshot: string;
  readonly #folder: string;
  readonly #interval: string;
  #child: RunningChild | undefined;
  #runs = 0;
  #port = 0;

  constructor(context: TestContext, interval: string) {
    this.#folder = mkdtempSync(join(tmpdir(), 'framekeeper-restart-'));
    this.snapshot = join(this.#folder, 'state', 'symbols');
    this.#interval = interval;
    context.after(async () => {
      await this.#child?.kill();
      rmSync(this.#folder, { recursive: true });
    });
  }

  async start(): Promise<void> {
    const [port, healthPort] = (await freePorts(2)) as [number, number];
    this.#port = port;
    this.#runs++;
    const snapshot = { path: this.snapshot, interval: this.#interval };
    const config = childConfig({
      receivers: { frames: { protocols: { grpc: { endpoint: `127.0.0.1:${port}` } } } },
      processors: { symbol_store: { snapshot }, reporting_cycle: { interval: '500ms' } },
      exporters: { file: { path: this.#exports, format: 'proto' } },
      healthPort,
    });
    const path = join(this.#folder, 'config.yaml');
    writeFileSync(path, config);
    this.#child = runChild(process.execPath, [main, '--config', path], { folder: this.#folder });
    await waitForHealth(`http://127.0.0.1:${healthPort}/`, this.#child);
  }

  async submit(batch: PlainBatch): Promise<PlainReply> {
    const client = new FramesClient(this.#port);
    try {
      return await client.submit(batch);
    } finally {
      client.close();
    }
  }

  /** Unix time at which the last snapshot began, in nanoseconds; 0 when there is none. */
  savedUnixNano(): bigint {
    try {
      return decodeHeader(readFileSync(this.snapshot).subarray(0, headerBytes));
    } catch {
      return 0n;
    }
  }

  /** Resolves once there is a snapshot that began after now. */
  async nextSnapshot(): Promise<void> {
    const now = systemClock.unixNano();
    for (let waitedMs = 0; this.savedUnixNano() < now; waitedMs += 20) {
      assert.ok(waitedMs < patienceMs, `no snapshot came:\n${this.#child!.output()}`);
      await sleep(20);
    }
  }

  async kill(): Promise<void> {
    await this.#child!.kill();
  }

  /** Stops it as a user would; gives its log. */
  async stop(): Promise<string> {
    assert.equal(await this.#child!.stop(), 0, this.#child!.output());
    return this.#child!.output();
  }

  /** The function names in what the last run exported. */
  exportedNames(): Set<string> {
    const messages = readProtoFile(this.#exports).map(decodeProfilesData);
    return new Set(
      messages.flatMap(({ dictionary: { functionTable, stringTable } }) =>
        [...functionTable].slice(1).map(({ nameStrindex }) => stringTable.at(nameStrindex)!),
      ),
    );
  }

  get #exports(): string {
    return join(this.#folder, `exports-${this.#runs}.otlp`);
  }
}

/** File ID of method `i`: a JVM has one for each. */
function methodFile(i: number): Buffer {
  const id = Buffer.alloc(16, 9);
  id.writeUInt32BE(i, 12);
  return id;
}

/** Samples of methods `from..to` and of a stub, and their names only when asked for. */
function batchOf(from: number, to: number, isNamed: boolean): PlainBatch {
  const methods = Array.from({ length: to - from }, (_, i) => from + i);
  const frames = methods.map((method, i) => ({ fileId: i + 1, addressOrLine: BigInt(method), kind: jvm }));
  const strings = ['samples', 'count', 'cpu', 'nanoseconds', 'java', ...methods.map((method) => `method ${method}`)];
  const stub = { process: 1, addressOrLine: 0x7f00_0000_0010n, kind: jvm };
  const names = {
    symbols: methods.map((method, i) => ({
      fileId: i + 1,
      addressOrLine: BigInt(method),
      locations: [{ function: 6 + i, line: 7 }],
    })),
    stubs: [{ process: 1, start: 0x7f00_0000_0000n, length: 64n, name: strings.length + 1, kind: 1 }],
  };
  return smallBatch([systemClock.unixNano()], {
    strings: [...strings, 'interpreter entry'],
    fileIds: Buffer.concat(methods.map(methodFile)),
    frames: [...frames, stub],
    stacks: [{ frames: [...frames, stub].map((_, i) => i + 1) }],
    processes: [{ pid: 42, startTimeNano: 5n, comm: 5 }],
    ...(isNamed ? names : {}),
  });
}

function methodNames(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, i) => `method ${from + i}`);
}

describe('a restart', { concurrency: 3 }, () => {
  test('after kill -9 every name of the last snapshot is reported, and newer ones are asked for', async (context) => {
    const service = new RestartingService(context, '1s');
    await service.start();
    await service.submit(batchOf(0, methodCount, true));
    await service.nextSnapshot();
    const saved = readFileSync(service.snapshot);
    await service.submit(batchOf(methodCount, methodCount + 5, true));
    await service.kill();
    // However long the submission took: as if the process had been killed before the next snapshot.
    writeFileSync(service.snapshot, saved);

    await service.start();
    const known = await service.submit(batchOf(0, methodCount, false));
    const lost = await service.submit(batchOf(methodCount, methodCount + 5, false));
    const log = await service.stop();
    assert.deepEqual(known.namesNeeded, []);
    assert.deepEqual(
      lost.namesNeeded.map(({ fileId }) => fileId),
      Array.from({ length: 5 }, (_, i) => methodFile(methodCount + i).toString('hex')),
    );
    assert.match(log, /The symbol snapshot was loaded.*"symbols":300,"owners":1,"stubs":1/);
    assert.deepEqual(service.exportedNames(), new Set([...methodNames(0, methodCount), 'interpreter entry']));
  });

  test('a stop loses no name, and leaves nothing but the snapshot and its lock file', async (context) => {
    const service = new RestartingService(context, '1h');
    await service.start();
    await service.submit(batchOf(0, methodCount, true));
    await service.stop();
    const files = readdirSync(join(service.snapshot, '..')).sort();
    assert.deepEqual(files, ['symbols', 'symbols.lock.sqlite', 'symbols.lock.sqlite-owner.json']);

    await service.start();
    const { namesNeeded } = await service.submit(batchOf(0, methodCount, false));
    await service.stop();
    assert.deepEqual(namesNeeded, []);
    assert.deepEqual(service.exportedNames(), new Set([...methodNames(0, methodCount), 'interpreter entry']));
  });

  test('a damaged snapshot costs the names and not the service', async (context) => {
    const service = new RestartingService(context, '1h');
    await service.start();
    await service.submit(batchOf(0, 10, true));
    await service.stop();
    const bytes = readFileSync(service.snapshot);
    bytes[bytes.length >>> 1]! ^= 1;
    writeFileSync(service.snapshot, bytes);

    await service.start();
    const { namesNeeded } = await service.submit(batchOf(0, 10, false));
    const log = await service.stop();
    assert.equal(namesNeeded.length, 11);
    assert.match(log, /was refused\. The symbol store starts empty.*section 0 at byte 32: the checksum is wrong/);
    assert.deepEqual(readFileSync(`${service.snapshot}.refused`), bytes);
  });
});

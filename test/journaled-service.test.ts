import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServiceError } from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';
import { decodeProfilesData } from '../src/otlp/protobuf/decode-profiles-data.ts';
import { systemClock } from '../src/support/clock.ts';
import { childConfig } from './support/child-config.ts';
import type { RunningChild } from './support/child-process.ts';
import { runChild, waitForHealth } from './support/child-process.ts';
import type { PlainReply } from './support/frames-client.ts';
import { FramesClient, smallBatch } from './support/frames-client.ts';
import { freePorts } from './support/free-ports.ts';
import { ScriptedOtlpServer } from './support/otlp-server.ts';
import { plainSamples } from './support/plain-view.ts';

const main = join(import.meta.dirname, '../src/main.ts');

const strings = ['samples', 'count', 'cpu', 'nanoseconds', 'main'];
// More than the rest of a page, which is there to be written to when a disk is full.
const bulk = 'x'.repeat(10_000);

/** A service with a journal and a durable queue in one storage, and its backend; in a folder that is gone after the test. */
class JournaledService {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'framekeeper-journal-'));
  readonly storage: string = join(this.folder, 'storage');
  #child: RunningChild | undefined;
  #ports: number[] = [];
  #backend: ScriptedOtlpServer | undefined;

  constructor(t: TestContext) {
    t.after(async () => {
      await this.#child?.kill();
      await this.#backend?.stop();
      unmount(this.storage);
      rmSync(this.folder, { recursive: true, force: true });
    });
  }

  async startBackend(): Promise<void> {
    this.#backend = await ScriptedOtlpServer.start([], {});
  }

  async start(interval: string): Promise<void> {
    this.#ports = await freePorts(3);
    const path = this.#writeConfig(interval);
    this.#child = runChild(process.execPath, [main, '--config', path], { folder: this.folder });
    await waitForHealth(`http://127.0.0.1:${this.#ports[1]}/`, this.#child);
  }

  #writeConfig(interval: string): string {
    const [port, healthPort, metricsPort] = this.#ports as [number, number, number];
    const retry = { initial_interval: '50ms', max_interval: '50ms' };
    const config = childConfig({
      receivers: { frames: { protocols: { grpc: { endpoint: `127.0.0.1:${port}` } } } },
      processors: { symbol_store: {}, reporting_cycle: { interval, storage: 'file_storage' } },
      exporters: {
        otlp_grpc: {
          endpoint: `127.0.0.1:${this.#backend!.port}`,
          tls: { insecure: true },
          retry_on_failure: retry,
          // A busy machine must not let the exporter send again what the backend is about to answer.
          timeout: '60s',
          sending_queue: { storage: 'file_storage' },
        },
      },
      extensions: { file_storage: { directory: this.storage, create_directory: true } },
      ...{ healthPort, metricsPort },
    });
    const path = join(this.folder, `config-${port}.yaml`);
    writeFileSync(path, config);
    return path;
  }

  async submit(sequence: number): Promise<PlainReply> {
    const client = new FramesClient(this.#ports[0]!);
    const samples = [0, 1].map((part) => ({
      ...{ stack: 1, process: 1, profileType: 1, threadId: 10 * sequence + part },
      timestamps: [systemClock.unixNano()],
    }));
    try {
      return await client.submit(smallBatch([], { sequence, samples, strings: [...strings, bulk] }));
    } finally {
      client.close();
    }
  }

  /** The threads in what the backend got, one for each event. */
  threads(): number[] {
    return this.#backend!.requests.flatMap(({ bytes }) =>
      plainSamples(decodeProfilesData(bytes)).flatMap(({ attributes, timestamps }) =>
        timestamps.map(() => Number(attributes['thread.id'])),
      ),
    ).sort((a, b) => a - b);
  }

  async untilThreads(count: number): Promise<void> {
    await this.#backend!.until(() => new Set(this.threads()).size >= count);
  }

  /** Resolves when the service knows that the backend has everything: what it does not know is sent again. */
  async untilSent(): Promise<void> {
    for (;;) {
      const text = await (await fetch(`http://127.0.0.1:${this.#ports[2]}/metrics`)).text();
      if (/^framekeeper_exporter_storage_records\{.*\} 0$/m.test(text)) return;
      await sleep(20);
    }
  }

  kill(): Promise<void> {
    return this.#child!.kill();
  }

  /** Stops it as a user would; gives its log. */
  async stop(): Promise<string> {
    assert.equal(await this.#child!.stop(), 0, this.#child!.output());
    return this.#child!.output();
  }
}

async function codeOf(call: Promise<unknown>): Promise<status> {
  try {
    await call;
    return status.OK;
  } catch (error) {
    return (error as ServiceError).code;
  }
}

describe('a service with a journal', { concurrency: 2 }, () => {
  test('delivers each acknowledged sample once after kill -9 before any report', async (t) => {
    const service = new JournaledService(t);
    await service.startBackend();
    await service.start('1h');
    for (const sequence of [1, 2, 3]) assert.equal((await service.submit(sequence)).acceptedSamples, 2);
    await service.kill();

    await service.start('50ms');
    const again = await service.submit(3);
    assert.deepEqual([again.duplicate, again.acceptedSamples], [true, 2]);
    await service.untilThreads(6);
    await service.submit(4);
    await service.untilThreads(8);
    await service.untilSent();
    await service.kill();

    await service.start('50ms');
    await service.submit(5);
    await service.untilThreads(10);
    const log = await service.stop();
    assert.deepEqual(service.threads(), [10, 11, 20, 21, 30, 31, 40, 41, 50, 51]);
    assert.doesNotMatch(log, /Dropping data|"level":50/);
  });

  test('refuses while the disk is full, and goes on by itself when it is not', async (t) => {
    const service = new JournaledService(t);
    if (!mountSmallDisk(service.storage)) return t.skip('a small disk cannot be mounted here');
    await service.startBackend();
    await service.start('100ms');
    await service.submit(1);
    await service.untilThreads(2);
    await service.untilSent();
    const ballast = join(service.storage, 'ballast');
    fillWith(ballast);
    // The room of the window that was reported last is given to what comes; then there is none.
    let taken = 1;
    let refusal = await codeOf(service.submit(taken + 1));
    // Asked once: a report that was under way may give its room back at any moment.
    for (; refusal === status.OK; refusal = await codeOf(service.submit(taken + 1))) taken++;
    assert.equal(refusal, status.RESOURCE_EXHAUSTED);
    // A kill between the backend's answer and the note of it costs a duplicate: nothing may be under way.
    await service.untilThreads(2 * taken);
    await service.untilSent();
    await service.kill();

    await service.start('100ms');
    while ((await codeOf(service.submit(taken + 1))) === status.OK) taken++;
    rmSync(ballast);
    while ((await codeOf(service.submit(taken + 1))) !== status.OK) await sleep(100);
    taken++;
    await service.untilThreads(2 * taken);
    await service.stop();
    const sequences = Array.from({ length: taken }, (_, index) => index + 1);
    assert.deepEqual(
      service.threads(),
      sequences.flatMap((sequence) => [10 * sequence, 10 * sequence + 1]),
    );
  });
});

/** Whether there is a disk of 1 MiB at `folder` now. */
function mountSmallDisk(folder: string): boolean {
  mkdirSync(folder);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    return false;
  }
  return true;
}

function unmount(folder: string): void {
  try {
    execFileSync('umount', ['--lazy', folder], { stdio: 'ignore' });
  } catch {
    // Nothing is mounted there.
  }
}

function fillWith(path: string): void {
  const fd = openSync(path, 'w');
  try {
    for (;;) writeSync(fd, Buffer.alloc(4_096));
  } catch {
    // It is full.
  } finally {
    closeSync(fd);
  }
}

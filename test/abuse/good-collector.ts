import assert from 'node:assert/strict';
import { get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeProfilesData } from '../../src/otlp/protobuf/decode-profiles-data.ts';
import { systemClock } from '../../src/support/clock.ts';
import { FramesClient, smallBatch } from '../support/frames-client.ts';
import type { AttackedService } from './service-under-attack.ts';

const goodFile = Buffer.from('600d600d600d600d600d600d600d600d', 'hex');
const goodAddress = 0x600dn;

/** What the good collector felt, for the table of the attacks. */
export interface Felt {
  readonly calls: number;
  readonly refusals: readonly string[];
  readonly slowestMs: number;
  readonly healthFailures: number;
}

/**
 * A collector that behaves: a batch every 100 ms on one connection, one on a new connection every second, and a look at health. It
 * says once what its frame is called.
 */
export class GoodCollector {
  readonly #service: AttackedService;
  readonly #stop = new AbortController();
  readonly #refusals: string[] = [];
  #calls = 0;
  #slowestMs = 0;
  #healthFailures = 0;
  #running: Promise<unknown> = Promise.resolve();

  constructor(service: AttackedService) {
    this.#service = service;
    this.#running = Promise.all([this.#submitAll(), this.#askHealth()]);
  }

  /** Ends it, and gives what it felt. Every sample that it sent has its name in what was exported. */
  async end(): Promise<Felt> {
    this.#stop.abort();
    await this.#running;
    assert.ok(!this.#service.child.hasEnded(), `the service ended:\n${this.#service.child.output().slice(0, 2_000)}`);
    const accepted = this.#calls - this.#refusals.length;
    // Two cycles of a second: the last sample waits no longer.
    for (let waitedMs = 0; this.#reported().samples < accepted && waitedMs < 20_000; waitedMs += 100) await sleep(100);
    const { samples, unnamed } = this.#reported();
    assert.equal(samples, accepted, 'samples of the good collector that were exported');
    assert.equal(unnamed, 0, 'locations of the good collector without a name');
    return {
      calls: this.#calls,
      refusals: this.#refusals,
      slowestMs: Math.round(this.#slowestMs),
      healthFailures: this.#healthFailures,
    };
  }

  async #submitAll(): Promise<void> {
    const steady = new FramesClient(this.#service.grpcPort);
    await this.#submit(steady, true);
    for (let round = 1; !this.#stop.signal.aborted; round++) {
      await this.#submit(steady, false);
      if (round % 10 === 0) {
        const fresh = new FramesClient(this.#service.grpcPort, { 'grpc.use_local_subchannel_pool': 1 });
        await this.#submit(fresh, false);
        fresh.close();
      }
      await sleep(100);
    }
    steady.close();
  }

  async #submit(client: FramesClient, isNamed: boolean): Promise<void> {
    this.#calls++;
    const startMs = performance.now();
    const names = { symbols: [{ fileId: 1, addressOrLine: goodAddress, locations: [{ function: 5 }] }] };
    try {
      const { rejections } = await client.submit(
        smallBatch([systemClock.unixNano()], {
          collector: { instanceId: Buffer.alloc(16, 0x60) },
          fileIds: goodFile,
          frames: [{ fileId: 1, addressOrLine: goodAddress, kind: 3 }],
          ...(isNamed ? names : {}),
        }),
      );
      this.#refusals.push(...rejections.map(({ reason }) => reason));
    } catch (error) {
      this.#refusals.push((error as Error).message);
    }
    this.#slowestMs = Math.max(this.#slowestMs, performance.now() - startMs);
  }

  async #askHealth(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const isHealthy = await isServed(this.#service.healthPort);
      if (!isHealthy) this.#healthFailures++;
      await sleep(250);
    }
  }

  #reported(): { samples: number; unnamed: number } {
    let samples = 0;
    let unnamed = 0;
    for (const { resourceProfiles, dictionary } of this.#service.exported().map(decodeProfilesData)) {
      const good = [...dictionary.locationTable].findIndex(({ address }) => address === goodAddress);
      if (good < 0) continue;
      if (dictionary.locationTable.at(good)!.lines.length === 0) unnamed++;
      const stacks = [...dictionary.stackTable].map(({ locationIndices }) => locationIndices.includes(good));
      for (const { scopeProfiles } of resourceProfiles) {
        for (const { profiles } of scopeProfiles) {
          for (const profile of profiles) {
            for (const sample of profile.samples) {
              if (stacks[sample.stackIndex]) samples += sample.timestampsUnixNano.length;
            }
          }
        }
      }
    }
    return { samples, unnamed };
  }
}

/** Asks on a connection of its own, as a probe does. */
function isServed(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get({ host: '127.0.0.1', port, path: '/', agent: false, timeout: 5_000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on('error', () => resolve(false)).on('timeout', () => request.destroy(new Error('no answer')));
  });
}

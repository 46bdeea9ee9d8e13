import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { encodeProfilesJson } from '../../src/otlp/json/encode-profiles-json.ts';
import { encodeProfilesData } from '../../src/otlp/protobuf/encode-profiles-data.ts';
import { systemClock } from '../../src/support/clock.ts';
import { encodeOldWire } from '../otlp/protobuf/encode-old-wire.ts';
import { snappyBlock } from '../receivers/snappy-literals.ts';
import { FramesClient, smallBatch } from '../support/frames-client.ts';
import { exportOverGrpc } from '../support/otlp-sender.ts';
import { GoodCollector } from './good-collector.ts';
import { largestBatches, manyFunctions } from './payloads.ts';
import { seconds, tellFelt } from './report.ts';
import type { AttackedOptions } from './service-under-attack.ts';
import { startAttacked } from './service-under-attack.ts';

// CPU time, not time: others keep the cores of a machine of CI busy, and take its caches.
const longestStopMs = 50;

const protobuf = 'application/x-protobuf';
const large = manyFunctions(400_000);
const half = manyFunctions(100_000);
const largest = encodeProfilesData(large);
const smaller = encodeProfilesData(half);

interface Message {
  readonly what: string;
  readonly body: Uint8Array;
  /** Type of the content over HTTP, protobuf by default, or `grpc`. */
  readonly type?: string;
  readonly compression?: 'gzip' | 'zstd' | 'snappy';
  readonly service?: AttackedOptions;
}

const merging: AttackedOptions = { cycle: { otlp_profiles: 'merge' } };
/** An exporter beside the one whose file is looked at. */
const alsoTo = (id: string, values: Record<string, unknown>): AttackedOptions => ({ exporters: { [id]: values } });
const batch = { sizer: 'bytes', min_size: 2_000_000, max_size: 2_000_000, flush_timeout: '100ms' };
const edits = [{ key: 'team', value: 'abuse', action: 'insert' }];

const messages: readonly Message[] = [
  { what: 'protobuf that passes', body: largest },
  { what: 'protobuf that is to be merged', body: largest, service: merging },
  { what: 'protobuf that passes, over gRPC', body: largest, type: 'grpc' },
  {
    what: 'JSON that is to be merged',
    body: Buffer.from(encodeProfilesJson(half)),
    type: 'application/json',
    service: merging,
  },
  { what: 'protobuf of v1.9', body: encodeOldWire(half, 'v1.9') },
  { what: 'protobuf in gzip', body: largest, compression: 'gzip' },
  { what: 'protobuf in zstd', body: largest, compression: 'zstd' },
  { what: 'protobuf in a block of snappy', body: largest, compression: 'snappy' },
  {
    what: 'protobuf whose resource is edited',
    body: largest,
    service: { processors: { resource: { attributes: edits } } },
  },
  {
    what: 'protobuf whose samples are filtered',
    body: largest,
    service: { processors: { filter: { exclude: { frame_types: ['go'] } } } },
  },
  {
    what: 'protobuf for Pyroscope',
    body: smaller,
    service: alsoTo('file/other', { format: 'proto', dialect: 'pyroscope' }),
  },
  { what: 'protobuf for Parca', body: smaller, service: alsoTo('file/other', { format: 'proto', dialect: 'parca' }) },
  { what: 'protobuf that is written as JSON', body: smaller, service: alsoTo('file/other', { format: 'json' }) },
  {
    what: 'protobuf that is batched',
    body: smaller,
    service: alsoTo('file/other', { format: 'proto', sending_queue: { batch } }),
  },
  { what: 'protobuf for the log', body: smaller, service: alsoTo('debug', { verbosity: 'detailed' }) },
  {
    what: 'protobuf that is queued on disk',
    body: largest,
    service: {
      ...alsoTo('file/other', { format: 'proto', sending_queue: { storage: 'file_storage' } }),
      hasStorage: true,
    },
  },
  { what: 'protobuf that the live page shows', body: smaller, service: { hasLivePage: true } },
];

describe('the largest messages within the bounds do not stop the loop', () => {
  for (const { what, type = protobuf, body, compression, service: options = {} } of messages) {
    const name = `${Math.round(body.length / 2 ** 20)} MiB of ${what}`;
    test(name, async (t) => {
      const service = await startAttacked(t, options);
      const content = compressed(body, compression);
      const send = async (): Promise<string> => {
        if (type === 'grpc') return exportOverGrpc(service.grpcPort, Buffer.from(body)).then(() => '200');
        const headers = { 'content-type': type, ...(compression && { 'content-encoding': compression }) };
        const response = await fetch(service.httpUrl, { method: 'POST', headers, body: new Uint8Array(content) });
        return `${response.status} ${await response.text()}`.slice(0, 200);
      };
      const good = new GoodCollector(service);
      // Stops of the start are not meant.
      await sleep(2_000);
      const longestStop = service.watchLoop();
      const answers = [await send(), await send()];
      if (options.hasLivePage) await lookAt(service.healthPort);
      await sleep(1_500);
      const felt = await good.end();
      const stopMs = longestStop();
      tellFelt(t, name, service, felt, [...answers, `longest stop ${stopMs.toFixed(0)} ms of CPU`]);
      for (const answer of answers) assert.match(answer, /^200/);
      assert.ok(stopMs < longestStopMs, `the loop stopped for ${stopMs} ms of CPU time`);
    });
  }
});

describe('the largest batches of raw frame samples do not stop the loop', () => {
  for (const [what, batchOf] of Object.entries(largestBatches)) {
    test(what, async (t) => {
      const batches = [0x10, 0x11, 0x12].map(batchOf);
      const service = await startAttacked(t);
      const good = new GoodCollector(service);
      const client = new FramesClient(service.grpcPort);
      await warmUp(client);
      const longestStop = service.watchLoop();
      const answers: string[] = [];
      for (const batch of batches) answers.push(await submitLarge(client, batch));
      client.close();
      await sleep(1_500);
      const felt = await good.end();
      const stopMs = longestStop();
      tellFelt(t, what, service, felt, [...answers, `longest stop ${stopMs.toFixed(0)} ms of CPU`]);
      assert.ok(stopMs < longestStopMs, `the loop stopped for ${stopMs} ms of CPU time`);
    });
  }

  for (const heapMib of [undefined, 128]) {
    const heap = heapMib === undefined ? '' : `, at ${heapMib} MB of heap`;
    const name = `all of these lists, again and again on each of 8 connections${heap}`;
    test(name, async (t) => {
      const batches = [0x10, 0x11, 0x12, 0x13].map(largestBatches['all of these lists']!);
      const service = await startAttacked(t, { heapMib });
      const good = new GoodCollector(service);
      const clients = Array.from(
        { length: 8 },
        () => new FramesClient(service.grpcPort, { 'grpc.use_local_subchannel_pool': 1 }),
      );
      await warmUp(clients[0]!);
      const longestStop = service.watchLoop();
      const end = performance.now() + seconds * 1_000;
      const answers = new Map<string, number>();
      await Promise.all(
        clients.map(async (client, index) => {
          while (performance.now() < end) {
            const answer = (await submitLarge(client, batches[index % batches.length]!)).replace(
              /\d+ taken, \d+/,
              'some taken, some',
            );
            answers.set(answer, (answers.get(answer) ?? 0) + 1);
          }
          client.close();
        }),
      );
      const felt = await good.end();
      const stopMs = longestStop();
      const told = [...answers].map(([answer, count]) => `${count} x ${answer}`);
      tellFelt(t, name, service, felt, [...told, `longest stop ${stopMs.toFixed(0)} ms of CPU`]);
      // A heap that is nearly full is collected without end: what is asked of it is that it goes on.
      if (heapMib === undefined) assert.ok(stopMs < longestStopMs, `the loop stopped for ${stopMs} ms of CPU time`);
    });
  }
});

/** Stops of the start are not meant, nor those of code that has never run. */
async function warmUp(client: FramesClient): Promise<void> {
  for (let round = 0; round < 200; round++) {
    await client.submit(
      smallBatch([systemClock.unixNano()], { collector: { instanceId: Buffer.alloc(16, 0x20 + (round % 8)) } }),
    );
  }
  await sleep(2_000);
}

async function submitLarge(client: FramesClient, batch: Buffer): Promise<string> {
  try {
    const { acceptedSamples, rejectedSamples } = await client.submit(batch);
    return `${(batch.length / 2 ** 20).toFixed(1)} MiB, ${acceptedSamples} taken, ${rejectedSamples} not`;
  } catch (error) {
    return (error as Error).message.slice(0, 60);
  }
}

function compressed(body: Uint8Array, compression: Message['compression']): Uint8Array {
  if (compression === 'gzip') return gzipSync(body, { level: 1 });
  if (compression === 'zstd') return zstdCompressSync(body);
  return compression === 'snappy' ? snappyBlock(body) : body;
}

/** Asks the live page for what it has, which decodes the requests that passed. */
async function lookAt(healthPort: number): Promise<void> {
  const stream = await fetch(`http://127.0.0.1:${healthPort}/live/events`);
  await stream.body!.getReader().read();
}

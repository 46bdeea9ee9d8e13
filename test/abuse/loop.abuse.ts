import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { encodeProfilesJson } from '../../src/otlp/json/encode-profiles-json.ts';
import { encodeProfilesData } from '../../src/otlp/protobuf/encode-profiles-data.ts';
import { systemClock } from '../../src/support/clock.ts';
import { encodeOldWire } from '../otlp/protobuf/encode-old-wire.ts';
import { snappyBlock } from '../receivers/snappy-literals.ts';
import type { PlainBatch } from '../support/frames-client.ts';
import { encodeBatch, FramesClient, smallBatch } from '../support/frames-client.ts';
import { exportOverGrpc } from '../support/otlp-sender.ts';
import { GoodCollector } from './good-collector.ts';
import { manyFunctions } from './payloads.ts';
import { tellFelt } from './report.ts';
import type { AttackedOptions } from './service-under-attack.ts';
import { startAttacked } from './service-under-attack.ts';

// CPU time, not time: others keep the cores of a machine of CI busy, and take its caches.
const longestStopMs = 100;

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

const nowNano = systemClock.unixNano();
const usual = smallBatch([nowNano]);
const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));
const texts = [...(usual.strings as string[]), ...times(16_000, (i) => `name_of_a_function_${i}`)];
const firstName = (usual.strings as string[]).length + 1;
const [sample] = usual.samples as [PlainBatch];
const [frame] = usual.frames as [PlainBatch];

/** Batches of raw frame samples at the bounds of their lists, or of a message. */
const batches: Readonly<Record<string, PlainBatch>> = {
  '32,768 samples, each with a stack and a frame of its own': {
    frames: times(32_768, (i) => ({ ...frame, addressOrLine: BigInt(0x10_0000 + i) })),
    stacks: times(32_768, (i) => ({ frames: [i + 1] })),
    samples: times(32_768, (i) => ({ ...sample, stack: i + 1 })),
  },
  '2,000 stacks of 1,000 frames': {
    frames: times(1_000, (i) => ({ ...frame, addressOrLine: BigInt(0x10_0000 + i) })),
    stacks: times(2_000, (i) => ({ frames: times(1_000, (k) => 1 + ((7 * i + k) % 1_000)) })),
    samples: times(2_000, (i) => ({ ...sample, stack: i + 1 })),
  },
  '480,000 times of 8 samples': { samples: times(8, () => ({ ...sample, timestamps: times(60_000, () => nowNano) })) },
  '16,000 names': {
    strings: texts,
    symbols: times(16_000, (i) => ({
      ...{ fileId: 1, addressOrLine: BigInt(0x20_0000 + i) },
      locations: [{ function: firstName + i }],
    })),
  },
  '16,000 stubs': {
    strings: texts,
    stubs: times(16_000, (i) => ({
      ...{ process: 1, start: BigInt(0x100_0000 + 64 * i), length: 64, kind: 1, name: firstName + i },
    })),
  },
};

describe('the largest batches of raw frame samples do not stop the loop', () => {
  for (const [what, lists] of Object.entries(batches)) {
    test(what, async (t) => {
      const service = await startAttacked(t);
      const good = new GoodCollector(service);
      const client = new FramesClient(service.grpcPort);
      // Stops of the start are not meant.
      await sleep(2_000);
      const longestStop = service.watchLoop();
      const answers: string[] = [];
      for (let round = 0; round < 3; round++) {
        const collector = { instanceId: Buffer.alloc(16, 0x10 + round) };
        const bytes = encodeBatch({ ...usual, collector, ...lists });
        const { acceptedSamples, rejectedSamples } = await client.submit(bytes);
        answers.push(`${(bytes.length / 2 ** 20).toFixed(1)} MiB, ${acceptedSamples} taken, ${rejectedSamples} not`);
      }
      client.close();
      await sleep(1_500);
      const felt = await good.end();
      const stopMs = longestStop();
      tellFelt(t, what, service, felt, [...answers, `longest stop ${stopMs.toFixed(0)} ms of CPU`]);
      assert.ok(stopMs < longestStopMs, `the loop stopped for ${stopMs} ms of CPU time`);
    });
  }
});

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

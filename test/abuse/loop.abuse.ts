import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeProfilesJson } from '../../src/otlp/json/encode-profiles-json.ts';
import { encodeProfilesData } from '../../src/otlp/protobuf/encode-profiles-data.ts';
import { encodeOldWire } from '../otlp/protobuf/encode-old-wire.ts';
import { exportOverGrpc } from '../support/otlp-sender.ts';
import { GoodCollector } from './good-collector.ts';
import { manyFunctions } from './payloads.ts';
import { tellFelt } from './report.ts';
import { startAttacked } from './service-under-attack.ts';

// CPU time, not time: others keep the cores of a machine of CI busy, and take its caches.
const longestStopMs = 200;

const protobuf = 'application/x-protobuf';
const json = 'application/json';
const large = manyFunctions(400_000);
const half = manyFunctions(100_000);

const messages = [
  { what: 'protobuf that passes', type: protobuf, body: encodeProfilesData(large), way: 'pass_through' },
  { what: 'protobuf that is to be merged', type: protobuf, body: encodeProfilesData(large), way: 'merge' },
  { what: 'protobuf that passes, over gRPC', type: 'grpc', body: encodeProfilesData(large), way: 'pass_through' },
  { what: 'JSON that is to be merged', type: json, body: Buffer.from(encodeProfilesJson(half)), way: 'merge' },
  { what: 'protobuf of v1.9', type: protobuf, body: encodeOldWire(half, 'v1.9'), way: 'pass_through' },
];

describe('the largest messages within the bounds do not stop the loop', () => {
  for (const { what, type, body, way } of messages) {
    const name = `${Math.round(body.length / 2 ** 20)} MiB of ${what}`;
    test(name, async (t) => {
      const service = await startAttacked(t, { cycle: { otlp_profiles: way } });
      const send = async (): Promise<string> => {
        if (type === 'grpc') return exportOverGrpc(service.grpcPort, body).then(() => '200');
        const headers = { 'content-type': type };
        const response = await fetch(service.httpUrl, { method: 'POST', headers, body: new Uint8Array(body) });
        return `${response.status} ${await response.text()}`.slice(0, 200);
      };
      const good = new GoodCollector(service);
      // Stops of the start are not meant.
      await sleep(2_000);
      const longestStop = service.watchLoop();
      const answers = [await send(), await send()];
      await sleep(1_500);
      const felt = await good.end();
      const stopMs = longestStop();
      tellFelt(t, name, service, felt, [...answers, `longest stop ${stopMs.toFixed(0)} ms of CPU`]);
      for (const answer of answers) assert.match(answer, /^200/);
      assert.ok(stopMs < longestStopMs, `the loop stopped for ${stopMs} ms of CPU time`);
    });
  }
});

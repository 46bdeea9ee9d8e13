import { describe, test } from 'node:test';
import { exportOverGrpc } from '../support/otlp-sender.ts';
import { GoodCollector } from './good-collector.ts';
import { deepJson, emptyResources, emptySamples, emptyStacks, gzipped } from './payloads.ts';
import { seconds, tellFelt } from './report.ts';
import { startAttacked } from './service-under-attack.ts';

const mebibyte = 1024 * 1024;
const protobuf = 'application/x-protobuf';
const json = 'application/json';

const attacks = [
  { name: 'gzip of 20 MB of empty samples', type: protobuf, body: emptySamples(10_000_000), heapMib: 256 },
  { name: 'gzip of 20 MB of empty stacks', type: protobuf, body: emptyStacks(10_000_000), heapMib: 256 },
  {
    name: 'gzip of 20 MB of empty resources in JSON',
    type: json,
    body: emptyResources(20 * mebibyte - 64),
    heapMib: 256,
  },
  { name: 'gzip of 20 MB of nested JSON', type: json, body: deepJson(10 * mebibyte - 64), heapMib: 256 },
];

describe('a message of many elements does not end the service, and nobody else notices', () => {
  for (const { name, type, body, heapMib } of attacks) {
    test(`${name}, over HTTP`, async (t) => {
      const service = await startAttacked(t, { heapMib });
      const good = new GoodCollector(service);
      const compressed = gzipped(body);
      const headers = { 'content-type': type, 'content-encoding': 'gzip' };
      const statuses = new Set<string>();
      for (const endMs = performance.now() + seconds * 1000; performance.now() < endMs; ) {
        const sent = Array.from({ length: 4 }, () =>
          fetch(service.httpUrl, { method: 'POST', headers, body: compressed }).then(
            ({ status }) => String(status),
            (error: Error) => error.message,
          ),
        );
        for (const status of await Promise.all(sent)) statuses.add(status);
      }
      tellFelt(t, name, service, await good.end(), [...statuses]);
    });
  }

  test('4 MiB of empty samples over gRPC, at 128 MB of heap', async (t) => {
    const service = await startAttacked(t, { heapMib: 128 });
    const good = new GoodCollector(service);
    const body = emptySamples(2 * mebibyte - 32);
    const statuses = new Set<string>();
    for (const endMs = performance.now() + seconds * 1000; performance.now() < endMs; ) {
      await exportOverGrpc(service.grpcPort, body).then(
        () => statuses.add('OK'),
        (error: Error) => statuses.add(error.message.slice(0, 120)),
      );
    }
    tellFelt(t, '4 MiB of empty samples over gRPC', service, await good.end(), [...statuses]);
  });
});

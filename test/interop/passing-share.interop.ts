import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { realRequests } from '../otlp/real-requests.ts';
import { exportOverGrpc } from '../support/otlp-sender.ts';
import { collectorVersions } from './build-collector.ts';
import { startCollector } from './collector.ts';
import { startBetween } from './otlp-between.ts';

let folder: string;

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'framekeeper-share-'));
});
after(() => rmSync(folder, { recursive: true }));

const noQueue = { sending_queue: { enabled: false }, retry_on_failure: { enabled: false } };

test('requests of a real profiler and of Collectors of any version pass undecoded, over gRPC and over HTTP', async (t) => {
  const behind = await startCollector(mkdtempSync(join(folder, 'behind-')));
  t.after(() => behind.stop().catch(() => undefined));
  const out = { otlp_grpc: { endpoint: behind.grpcEndpoint, tls: { insecure: true } } };
  const requests = realRequests('profiler');
  for (const version of collectorVersions) {
    for (const protocol of ['grpc', 'http'] as const) {
      await t.test(`Collector ${version}, ${protocol}`, async () => {
        const between = await startBetween(mkdtempSync(join(folder, 'between-')), out);
        const exporters =
          protocol === 'grpc'
            ? { otlp_grpc: { endpoint: between.grpcEndpoint, tls: { insecure: true }, ...noQueue } }
            : { otlp_http: { endpoint: between.httpEndpoint, ...noQueue } };
        const front = await startCollector(mkdtempSync(join(folder, 'front-')), { version, exporters });
        for (const request of requests) await exportOverGrpc(front.ports.grpc, request);
        const passed = await between.passedRequests();
        await front.stop();
        await between.stop();
        const total = [...passed.values()].reduce((sum, count) => sum + count, 0);
        const undecoded = ['as_it_was', 'named', 'inlined', 'identified'].reduce(
          (sum, way) => sum + (passed.get(way) ?? 0),
          0,
        );
        assert.equal(total, requests.length);
        assert.ok(undecoded >= 0.99 * total, JSON.stringify([...passed]));
      });
    }
  }
});

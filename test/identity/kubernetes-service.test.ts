import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { countSamples } from '../../src/otlp/profiles-data.ts';
import { decodeProfilesData } from '../../src/otlp/protobuf/decode-profiles-data.ts';
import { checkConformance } from '../../src/profile/check/check-conformance.ts';
import { DialectLint } from '../../src/profile/dialects/lint/lint-dialect.ts';
import { realRequests } from '../otlp/real-requests.ts';
import { smallBatch } from '../support/frames-client.ts';
import { nowUnixNano, resourcesOf, runIdentity } from './identity-harness.ts';
import { ApiServer, shopId, shopPod, until } from './kubernetes/api-server.ts';

const chain = ['resource', 'k8s_attributes', 'resource_detection'];

/** A cluster with one pod; the resources of a real profiler are put into its container. */
async function cluster(t: TestContext, more = ''): Promise<{ server: ApiServer; processors: string }> {
  const server = new ApiServer();
  await server.start(t);
  const folder = mkdtempSync(join(tmpdir(), 'framekeeper-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'token'), server.token);
  writeFileSync(join(folder, 'ca.crt'), server.authority.cert);
  const processors = `
resource: {attributes: [{key: container.id, value: "${shopId}", action: insert}]}
resource_detection: {detectors: [system], system: {hostname_sources: [os]}}
k8s_attributes:
  api_server: {endpoint: "${server.endpoint}", token_file: "${folder}/token", ca_file: "${folder}/ca.crt"}
  filter: {node: node-1}
  process_lookup: never
  ${more}`;
  return { server, processors };
}

for (const { way, cycle } of [
  { way: 'pass', cycle: '' },
  { way: 'are merged', cycle: 'otlp_profiles: merge' },
]) {
  test(`requests of a real profiler that ${way} say which pod, workload and host they are of`, async (t) => {
    const { server, processors } = await cluster(t, 'wait_for_metadata: true');
    server.put(shopPod());
    const { service, sendOtlp, finish } = await runIdentity(t, { processors, order: chain, cycle });
    const [request] = realRequests('profiler');
    await sendOtlp(request!);
    const messages = await finish();
    const resources = resourcesOf(messages);
    assert.ok(resources.length > 1);
    for (const each of resources) {
      assert.equal(each['service.name'], 'shop');
      assert.equal(each['k8s.pod.name'], 'shop-6d4cf56db6-x2x7k');
      assert.equal(each['k8s.deployment.name'], 'shop');
      assert.ok(each['host.name']);
    }
    assert.equal(countSamples(messages[0]!), countSamples(decodeProfilesData(request!)));
    if (cycle === '') assert.equal(await service.metric('framekeeper_otlp_passed_requests{way="identified"}'), 1);
    for (const message of messages) assert.deepEqual(checkConformance(message), []);
  });
}

test('raw frames whose pod becomes known within the cycle say so for all of their samples', async (t) => {
  const { server, processors } = await cluster(t);
  const { frames, finish } = await runIdentity(t, { processors, order: chain });
  await until(() => server.watchCount === 1);
  const strings = ['samples', 'count', 'cpu', 'nanoseconds', 'main', shopId];
  const processes = [{ pid: 42, comm: 5, containerId: 6 }];
  await frames.submit(smallBatch([nowUnixNano()], { strings, processes }));
  server.put(shopPod());
  // The event is on its way before the next request is.
  server.end();
  await until(() => server.requests.length === 3);
  const [resource] = resourcesOf(await finish());
  assert.deepEqual([resource!['service.name'], resource!['k8s.namespace.name']], ['shop', 'web']);
});

for (const dialect of ['pyroscope', 'elastic'] as const) {
  test(`requests of a real profiler in pods have no finding of ${dialect}`, async (t) => {
    const { server, processors } = await cluster(t, 'wait_for_metadata: true');
    server.put(shopPod());
    const { sendOtlp, finish } = await runIdentity(t, { processors, order: chain, exporter: `, dialect: ${dialect}` });
    for (const request of realRequests('collector')) await sendOtlp(request);
    const messages = await finish();
    const lint = new DialectLint(dialect);
    assert.ok(messages.length > 0);
    for (const message of messages) assert.deepEqual(lint.lint(message), []);
  });
}

test('a request that comes before its pod is known waits for it with hold', async (t) => {
  const { server, processors } = await cluster(t, 'hold: 20s');
  const { sendOtlp, finish } = await runIdentity(t, { processors, order: chain });
  await until(() => server.watchCount === 1);
  const [request] = realRequests('profiler');
  const sent = sendOtlp(request!);
  server.put(shopPod());
  await sent;
  for (const each of resourcesOf(await finish())) assert.equal(each['service.name'], 'shop');
});

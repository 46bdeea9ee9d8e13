import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { k8sAttributesType } from '../../../src/identity/kubernetes/k8s-attributes-config.ts';
import { readProcessor } from '../processor-config.ts';
import { ApiServer, shopId, shopPod, until } from './api-server.ts';
import { setUp, startWithServer } from './k8s-attributes-harness.ts';

test('a resource gets the attributes of its pod by its container, and keeps what its sender sent', async (t) => {
  const { server, processor, apply, draftOf } = await startWithServer(t);
  server.put(shopPod());
  await processor.start();
  await until(() => server.watchCount === 1);
  const { query, path } = server.requests[0]!;
  assert.deepEqual([path, query], ['/api/v1/pods', { fieldSelector: 'spec.nodeName=node-1', resourceVersion: '0' }]);
  assert.deepEqual(apply({ 'container.id': shopId, 'k8s.namespace.name': 'as sent' }), {
    'container.id': shopId,
    'k8s.namespace.name': 'as sent',
    'container.image.name': 'registry.example.com:5000/web/shop',
    'container.image.tags': ['1.2'],
    'k8s.deployment.name': 'shop',
    'k8s.node.name': 'node-1',
    'k8s.pod.name': 'shop-6d4cf56db6-x2x7k',
    'k8s.pod.start_time': '2026-11-30T07:00:00Z',
    'k8s.pod.uid': 'u-shop',
  });
  assert.equal(draftOf({ 'container.id': shopId }).workloadName, 'shop');
  assert.deepEqual(apply({ 'container.id': 'cd'.repeat(32) }), { 'container.id': 'cd'.repeat(32) });
  assert.deepEqual(apply({ 'process.pid': 7n }), { 'process.pid': 7n });
});

test('pods are known as the watch tells them, and their names stay for a grace', async (t) => {
  const { server, processor, podOf, clock } = await startWithServer(t);
  await processor.start();
  await until(() => server.watchCount === 1);
  server.put(shopPod({ containerId: '' }));
  server.put(shopPod());
  await until(() => podOf(shopId) !== undefined);
  const next = 'cd'.repeat(32);
  server.put(shopPod({ containerId: next }));
  await until(() => podOf(next) !== undefined);
  assert.ok(podOf(shopId), 'the container of before');
  server.delete('u-shop');
  server.put(shopPod({ uid: 'u-other', containerId: 'ef'.repeat(32) }));
  await until(() => podOf('ef'.repeat(32)) !== undefined);
  assert.ok(podOf(next), 'within the grace');
  await clock.advance(121_000);
  assert.deepEqual([podOf(shopId), podOf(next)], [undefined, undefined]);
  assert.ok(podOf('ef'.repeat(32)));
});

test('a watch that ends goes on from its last version, that of a bookmark too', async (t) => {
  const { server, processor, podOf } = await startWithServer(t);
  await processor.start();
  await until(() => server.watchCount === 1);
  assert.equal(server.requests[1]!.query.resourceVersion, '100');
  server.put(shopPod());
  server.bookmark();
  server.end();
  await until(() => server.requests.length === 3);
  const { query } = server.requests[2]!;
  assert.deepEqual([query.watch, query.resourceVersion, query.allowWatchBookmarks], ['1', server.version, 'true']);
  assert.equal(query.timeoutSeconds, '450');
  assert.ok(podOf(shopId));
});

test('a server that ends each watch at once is asked with delays', async (t) => {
  const { server, processor, clock, lines } = await startWithServer(t);
  await processor.start();
  for (let i = 0; i < 2; i++) {
    await until(() => server.watchCount === 1);
    server.end();
  }
  await until(() => lines.some(({ reason }) => /watches end at once/.test(String(reason))));
  const asked = server.requests.length;
  await clock.advance(1_000);
  await until(() => server.requests.length === asked + 1);
});

for (const { name, expire } of [
  { name: 'an event', expire: (server: ApiServer) => server.expire() },
  {
    name: 'a status',
    expire: (server: ApiServer) => {
      server.refusals.push({ status: 410 });
      server.end();
    },
  },
]) {
  test(`after 410 Gone as ${name} the pods are listed anew, and those that ended meanwhile end`, async (t) => {
    const { server, processor, podOf, clock, values } = await startWithServer(t);
    server.put(shopPod());
    await processor.start();
    await until(() => server.watchCount === 1);
    server.delete('u-shop', { isTold: false });
    server.put(shopPod({ uid: 'u-new', containerId: 'cd'.repeat(32) }), { isTold: false });
    expire(server);
    await until(() => podOf('cd'.repeat(32)) !== undefined);
    assert.ok(podOf(shopId), 'within the grace');
    await clock.advance(121_000);
    assert.equal(podOf(shopId), undefined);
    const metrics = await values();
    assert.equal(metrics.get('framekeeper_kubernetes_requests{outcome="expired",processor="k8s_attributes"}'), 1);
    assert.equal(metrics.get('framekeeper_kubernetes_requests{outcome="listed",processor="k8s_attributes"}'), 2);
  });
}

test('a renewed token is used for the next request, and one that is not taken costs a delay', async (t) => {
  const { server, processor, podOf, files, clock, lines } = await startWithServer(t);
  server.put(shopPod());
  await processor.start();
  await until(() => server.watchCount === 1);
  server.token = 'token-2';
  server.end();
  await until(() => lines.some(({ reason }) => /401 \(the token is not taken\)/.test(String(reason))));
  assert.ok(podOf(shopId), 'known pods stay');
  files['/token'] = 'token-2';
  await clock.advance(5_000);
  await until(() => server.watchCount === 1);
  assert.equal(server.requests.at(-1)!.authorization, 'Bearer token-2');
});

test('a server that asks for a delay gets it, and a connection that breaks is made anew', async (t) => {
  const { server, processor, podOf, clock, lines } = await startWithServer(t);
  server.refusals.push({ status: 500 }, { status: 429, headers: { 'retry-after': '7' } });
  server.put(shopPod());
  await processor.start();
  await until(() => lines.length === 1);
  await clock.advance(1_000);
  await until(() => lines.length === 2);
  assert.deepEqual(
    lines.map(({ delay_ms }) => delay_ms),
    [1_000, 7_000],
  );
  await clock.advance(7_000);
  await until(() => podOf(shopId) !== undefined);
  await until(() => server.watchCount === 1);
  const before = server.requests.length;
  server.reset();
  await until(() => lines.length === 3);
  await clock.advance(1_000);
  await until(() => server.watchCount === 1);
  // From its last version, and without another list.
  const { watch, resourceVersion } = server.requests.at(-1)!.query;
  assert.deepEqual([server.requests.length, watch, resourceVersion], [before + 1, '1', server.version]);
});

test('delays grow to a minute, and none that a server asks for is longer than five', async (t) => {
  const { server, processor, clock, lines } = await startWithServer(t);
  for (let i = 0; i < 8; i++) server.refusals.push({ status: 500 });
  server.refusals.push({ status: 429, headers: { 'retry-after': '86400' } });
  await processor.start();
  for (let i = 1; i <= 9; i++) {
    await until(() => lines.length === i);
    await clock.advance(Number(lines[i - 1]!.delay_ms));
  }
  await until(() => server.watchCount === 1);
  const seconds = lines.map(({ delay_ms }) => Number(delay_ms) / 1_000);
  assert.deepEqual(seconds, [1, 2, 4, 8, 16, 32, 60, 60, 300]);
});

test('a server that has forgotten each list it gives is not asked without delays', async (t) => {
  const { server, processor, clock, lines } = await startWithServer(t);
  await processor.start();
  await until(() => server.watchCount === 1);
  server.expire();
  // The first list is made anew at once, the second one after a delay.
  await until(() => server.requests.length === 4 && server.watchCount === 1);
  assert.equal(lines.length, 0);
  server.expire();
  await until(() => lines.length === 1);
  await clock.advance(1_000);
  await until(() => server.requests.length === 6 && server.watchCount === 1);
  server.expire();
  await until(() => lines.length === 2);
  assert.deepEqual(
    lines.map(({ delay_ms }) => delay_ms),
    [1_000, 2_000],
  );
  await clock.advance(2_000);
  await until(() => server.watchCount === 1);
  // A watch that tells something is a good one.
  server.put(shopPod());
  await until(() => server.watchCount === 1);
  server.expire();
  await until(() => server.requests.length === 10);
  assert.equal(lines.length, 2);
});

test('a list that does not come is asked for again', async (t) => {
  const { server, processor, clock, lines, podOf } = await startWithServer(t);
  server.refusals.push({ status: 0 });
  server.put(shopPod());
  await processor.start();
  await until(() => server.requests.length === 1);
  await clock.advance(30_000);
  await until(() => lines.length === 1);
  await clock.advance(1_000);
  await until(() => podOf(shopId) !== undefined);
});

test('a pod that ends at once is known for its late samples', async (t) => {
  const { server, processor, podOf } = await startWithServer(t);
  await processor.start();
  await until(() => server.watchCount === 1);
  // Nothing was told of it before.
  server.put(shopPod(), { isTold: false });
  server.delete('u-shop');
  await until(() => podOf(shopId) !== undefined);
});

test('only containers and UIDs are waited for: an address may be of anything', async (t) => {
  const association = 'hold: 2s, pod_association: [{sources: [{name: k8s.pod.ip}]}, {sources: [{name: k8s.pod.uid}]}]';
  const { server, processor, apply } = await startWithServer(t, association);
  await processor.start();
  await until(() => server.watchCount === 1);
  apply({ 'k8s.pod.ip': '10.9.9.9' });
  assert.equal(processor.settled(), undefined);
  apply({ 'k8s.pod.uid': 'u-unknown' });
  assert.ok(processor.settled());
});

test('a process is not looked up where its sender told the container', async (t) => {
  const { processor, apply } = await startWithServer(t, 'process_lookup: always, proc_root: /nowhere');
  await processor.start();
  apply({ 'process.pid': 42n, 'container.id': shopId });
  assert.equal(processor.settled(), undefined);
  apply({ 'process.pid': 42n });
  assert.ok(processor.settled());
});

test('a server whose certificate another authority signed is not asked', async (t) => {
  const { server, processor, files, lines } = await startWithServer(t);
  files['/ca.crt'] = new ApiServer().authority.cert;
  await processor.start();
  await until(() => lines.length === 1);
  assert.equal(server.requests.length, 0);
  assert.match(String(lines[0]!.reason), /certificate|signature/);
});

test('wait_for_metadata lets the start wait for the first list, and fail without it', async (t) => {
  const { server, processor, podOf } = await startWithServer(t, 'wait_for_metadata: true');
  server.put(shopPod());
  await processor.start();
  assert.ok(podOf(shopId));
  const failing = await startWithServer(t, 'wait_for_metadata: true, wait_for_metadata_timeout: 3s');
  failing.server.refusals.push({ status: 403 }, { status: 403 }, { status: 403 });
  const started = failing.processor.start();
  const refused = assert.rejects(
    started,
    /no list of pods within 3000 ms; .*403 \(the service account lacks the right/,
  );
  await until(() => failing.lines.length === 1);
  await failing.clock.advance(3_000);
  await refused;
});

test('with hold a container is waited for until its pod is known, no longer than that, and not again soon', async (t) => {
  const { server, processor, podOf, clock } = await startWithServer(t, 'hold: 2s, process_lookup: never');
  await processor.start();
  await until(() => server.watchCount === 1);
  assert.equal(processor.settled(), undefined);
  assert.equal(podOf(shopId), undefined);
  const settled = processor.settled();
  assert.ok(settled);
  server.put(shopPod());
  await settled;
  assert.ok(podOf(shopId));
  assert.equal(podOf('cd'.repeat(32)), undefined);
  const late = processor.settled();
  assert.ok(late);
  await clock.advance(2_000);
  await late;
  assert.equal(podOf('cd'.repeat(32)), undefined);
  assert.equal(processor.settled(), undefined);
});

test('a process without a container ID is found by its control groups, and gets that ID too', async (t) => {
  const procRoot = mkdtempSync(join(tmpdir(), 'framekeeper-'));
  t.after(() => rmSync(procRoot, { recursive: true }));
  mkdirSync(join(procRoot, '42'));
  writeFileSync(join(procRoot, '42/stat'), `42 (shop) S ${'0 '.repeat(18)}7 0\n`);
  writeFileSync(join(procRoot, '42/cgroup'), `0::/kubepods.slice/cri-containerd-${shopId}.scope\n`);
  const always = await startWithServer(t, `process_lookup: always, proc_root: ${procRoot}`);
  always.server.put(shopPod());
  await always.processor.start();
  await until(() => always.server.watchCount === 1);
  always.apply({ 'process.pid': 42n });
  await always.processor.settled();
  const found = always.apply({ 'process.pid': 42n });
  assert.deepEqual([found['k8s.pod.uid'], found['container.id']], ['u-shop', shopId]);
  // A /proc without a namespace of processes is none of the host's.
  const auto = await startWithServer(t, `proc_root: ${procRoot}`);
  await auto.processor.start();
  auto.apply({ 'process.pid': 42n });
  assert.equal(auto.processor.settled(), undefined);
});

test('the kubelet tells its pods at an interval', async (t) => {
  const pods = [shopPod()];
  let answers = 'whole';
  const server = createServer((request, response) => {
    if (answers === 'none') return;
    if (answers === 'refused') response.writeHead(403).end();
    else if (request.url === '/pods') response.end(JSON.stringify({ kind: 'PodList', items: pods }));
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const kubelet = `kubelet: {enabled: true, endpoint: "${endpoint}", allow_insecure_http: true}`;
  const yaml = `{auth_type: none, wait_for_metadata: true, ${kubelet}}`;
  const { processor, podOf, clock, lines } = setUp(t, yaml, {});
  await processor.start();
  assert.ok(podOf(shopId));
  answers = 'refused';
  await clock.advance(10_000);
  await until(() => lines.length === 1);
  assert.match(String(lines[0]!.reason), /403/);
  answers = 'none';
  await clock.advance(10_000);
  await clock.advance(10_000);
  await until(() => lines.length === 2);
  assert.ok(podOf(shopId), 'known pods stay');
  answers = 'whole';
  pods.push(shopPod({ uid: 'u-new', containerId: 'cd'.repeat(32) }));
  await clock.advance(10_000);
  await until(() => podOf('cd'.repeat(32)) !== undefined);
});

for (const { name, yaml, given, pod, workload, found } of [
  {
    name: 'labels and annotations',
    yaml: `extract: {metadata: [], otel_annotations: true,
      labels: [{key: app, tag_name: app.label}, {key_regex: "(ti)(er)", tag_name: "$$2$1"}, {key: tier}],
      annotations: [{key: team}]}`,
    found: {
      'app.label': 'shop',
      erti: 'front',
      'k8s.pod.label.tier': 'front',
      'k8s.pod.annotation.team': 'cart',
      'deployment.environment.name': 'staging',
    },
  },
  {
    name: 'all that a pod tells of its image, owner and service',
    yaml: `extract: {metadata: [container.image.tag, container.image.repo_digests, k8s.container.name, k8s.replicaset.name,
      k8s.replicaset.uid, k8s.pod.ip, service.name, service.namespace, service.version, service.instance.id]}`,
    found: {
      'container.image.tag': '1.2',
      'container.image.repo_digests': [`registry.example.com:5000/web/shop@sha256:${'c'.repeat(64)}`],
      'k8s.container.name': 'shop',
      'k8s.replicaset.name': 'shop-6d4cf56db6',
      'k8s.replicaset.uid': 'u-rs',
      'k8s.pod.ip': '10.1.2.3',
      'service.namespace': 'web',
      'service.version': '1.2',
      'service.instance.id': 'web.shop-6d4cf56db6-x2x7k.shop',
    },
  },
  {
    name: 'the cron job of a job',
    yaml: 'extract: {metadata: [k8s.job.name, k8s.cronjob.name]}',
    pod: shopPod({
      more: { ownerReferences: [{ kind: 'Job', name: 'report-29674260' }], creationTimestamp: '2026-06-03T05:00:04Z' },
    }),
    workload: 'report',
    found: { 'k8s.job.name': 'report-29674260', 'k8s.cronjob.name': 'report' },
  },
  {
    name: 'a job that only looks like one of a cron job',
    yaml: 'extract: {metadata: [k8s.job.name, k8s.cronjob.name]}',
    pod: shopPod({ more: { ownerReferences: [{ kind: 'Job', name: 'report-20261130' }] } }),
    workload: 'report-20261130',
    found: { 'k8s.job.name': 'report-20261130' },
  },
  {
    name: 'a workload that its labels name',
    yaml: 'extract: {metadata: [k8s.deployment.name]}',
    pod: shopPod({ more: { labels: { 'app.kubernetes.io/name': 'the shop' } } }),
    workload: 'the shop',
    found: {},
  },
  {
    name: 'a pod by its UID, with its only container',
    yaml: 'extract: {metadata: [k8s.container.name]}',
    given: { 'k8s.pod.uid': 'u-shop' },
    found: { 'k8s.pod.uid': 'u-shop', 'k8s.container.name': 'shop' },
  },
  {
    name: 'a static pod by the hash in its control group',
    yaml: 'extract: {metadata: [k8s.pod.uid]}, pod_association: [{sources: [{from: resource_attribute, name: k8s.pod.uid}]}]',
    given: { 'k8s.pod.uid': 'ab'.repeat(16) },
    pod: shopPod({ more: { annotations: { 'kubernetes.io/config.mirror': 'ab'.repeat(16) }, ownerReferences: [] } }),
    workload: 'shop-6d4cf56db6-x2x7k',
    found: { 'k8s.pod.uid': 'ab'.repeat(16) },
  },
  {
    name: 'a pod by its address, of which the first association alone counts',
    yaml: `extract: {metadata: [k8s.pod.uid]}, pod_association: [{sources: [{name: container.id}]}, {sources: [{name: k8s.pod.ip}]}]`,
    given: { 'container.id': 'cd'.repeat(32), 'k8s.pod.ip': '10.1.2.3' },
    workload: '',
    found: { 'container.id': 'cd'.repeat(32), 'k8s.pod.ip': '10.1.2.3' },
  },
  {
    name: 'nothing of a pod that is excluded',
    yaml: 'exclude: {pods: [{name: "^shop-"}]}',
    given: { 'container.id': shopId },
    workload: '',
    found: { 'container.id': shopId },
  },
  {
    name: 'nothing of a pod that says so itself',
    yaml: '',
    given: { 'container.id': shopId },
    pod: shopPod({ more: { annotations: { 'opentelemetry.io/k8s-processor/ignore': 'True' } } }),
    workload: '',
    found: { 'container.id': shopId },
  },
]) {
  test(`k8s_attributes extracts ${name}`, async (t) => {
    const { server, processor, apply, draftOf } = await startWithServer(t, `wait_for_metadata: true, ${yaml}`);
    server.put(pod ?? shopPod());
    await processor.start();
    const attributes = given ?? { 'container.id': shopId };
    const expected = given === undefined ? { 'container.id': shopId, ...found } : found;
    assert.deepEqual(apply(attributes), expected);
    assert.equal(draftOf(attributes).workloadName, workload ?? 'shop');
  });
}

test('the node, the namespace and labels are selected where the pods are', async (t) => {
  const filter = `{node: other, namespace: web, labels: [{key: app, value: shop}, {key: x, op: does-not-exist}],
    fields: [{key: status.phase, value: Running}]}`;
  const { server, processor } = await startWithServer(t, `filter: ${filter}`);
  await processor.start();
  await until(() => server.requests.length > 0);
  const { path, query } = server.requests[0]!;
  assert.equal(path, '/api/v1/namespaces/web/pods');
  assert.equal(query.fieldSelector, 'spec.nodeName=other,status.phase=Running');
  assert.equal(query.labelSelector, 'app=shop,!x');
});

for (const { yaml, fault } of [
  { yaml: '{extract: {metadata: [k8s.pod]}}', fault: /"k8s.pod" is not known/ },
  {
    yaml: '{extract: {labels: [{key: a, from: service}]}}',
    fault: /from: "service" is not known here; write one of pod, namespace, node/,
  },
  { yaml: '{extract: {labels: [{key: a, key_regex: b}]}}', fault: /key: or key_regex must be there, one of them/ },
  { yaml: '{pod_association: [{sources: [{from: connection}]}]}', fault: /"connection" is not known/ },
  { yaml: '{pod_association: [{sources: [{name: host.name}]}]}', fault: /"host.name" finds no pod here/ },
  { yaml: '{passthrough: true}', fault: /passthrough: is not known here/ },
  { yaml: '{kubelet: {enabled: true}}', fault: /endpoint: "" is no HTTPS address/ },
  { yaml: '{api_server: {endpoint: here}}', fault: /"here" is no HTTP address/ },
]) {
  test(`the configuration ${yaml} is refused`, () => {
    const { faults } = readProcessor(k8sAttributesType, yaml);
    assert.match(faults.join('\n'), fault);
  });
}

test('a node that nobody names is a fault at the start', async (t) => {
  const { processor } = setUp(t, '{filter: {node_from_env_var: NODE}}', {});
  await assert.rejects(processor.start(), /filter: the node is unknown; set NODE from the downward API/);
});

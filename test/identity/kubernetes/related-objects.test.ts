import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ApiServer } from './api-server.ts';
import { partialMetadata, shopId, shopPod, until } from './api-server.ts';
import { startWithServer } from './k8s-attributes-harness.ts';

const all = `wait_for_metadata: true, extract: {
  metadata: [k8s.node.uid, k8s.cluster.uid, k8s.deployment.uid],
  labels: [{key: team, from: namespace}, {key_regex: "topology.kubernetes.io/(.*)", tag_name: "cloud.$$1", from: node}, {key: app}],
  annotations: [{key: owner, from: deployment, tag_name: owner}, {key: team, from: namespace, tag_name: team}]}`;

function putObjects({ objects }: ApiServer): void {
  objects.set('/api/v1/namespaces/web', partialMetadata({ labels: { team: 'cart' }, annotations: { team: 'basket' } }));
  objects.set('/api/v1/namespaces/kube-system', partialMetadata({ uid: 'u-cluster', labels: { team: 'none' } }));
  const labels = { 'topology.kubernetes.io/zone': 'a', 'topology.kubernetes.io/region': 'eu', app: 'none' };
  objects.set('/api/v1/nodes/node-1', partialMetadata({ uid: 'u-node', labels }));
  const deployment = partialMetadata({ uid: 'u-deployment', annotations: { owner: 'jo' } });
  objects.set('/apis/apps/v1/namespaces/web/deployments/shop', deployment);
}

const found = {
  'container.id': shopId,
  'k8s.pod.label.app': 'shop',
  'k8s.cluster.uid': 'u-cluster',
  'k8s.node.uid': 'u-node',
  'k8s.deployment.uid': 'u-deployment',
  'k8s.namespace.label.team': 'cart',
  team: 'basket',
  'cloud.zone': 'a',
  'cloud.region': 'eu',
  owner: 'jo',
};

test('labels, annotations and UIDs of namespace, node and owner are there once the start has waited for them', async (t) => {
  const { server, processor, apply } = await startWithServer(t, all);
  putObjects(server);
  server.put(shopPod());
  server.put(shopPod({ uid: 'u-2', containerId: 'cd'.repeat(32), more: { name: 'shop-2' } }));
  await processor.start();
  assert.deepEqual(apply({ 'container.id': shopId }), found);
  assert.deepEqual(apply({ 'container.id': shopId, owner: 'as sent' }), { ...found, owner: 'as sent' });
  // One request for each object, whatever the number of pods, of its metadata alone, and nothing of the cluster is listed.
  const asked = server.requests.filter(({ path }) => path !== '/api/v1/pods');
  assert.deepEqual(asked.map(({ path }) => path).sort(), [...server.objects.keys()].sort());
  for (const { accept } of asked) assert.match(accept, /as=PartialObjectMetadata/);
});

test('objects that change are asked for again, when samples come of them and the refresh is over', async (t) => {
  const { server, processor, apply, clock, values } = await startWithServer(t, all);
  putObjects(server);
  server.put(shopPod());
  await processor.start();
  server.objects.set('/api/v1/namespaces/web', partialMetadata({ labels: { team: 'new' } }));
  server.objects.delete('/api/v1/nodes/node-1');
  await clock.advance(299_000);
  assert.equal(apply({ 'container.id': shopId })['k8s.namespace.label.team'], 'cart');
  assert.equal(processor.settled(), undefined);
  await clock.advance(1_000);
  // What was known serves until the answer is there.
  assert.equal(apply({ 'container.id': shopId })['k8s.namespace.label.team'], 'cart');
  await processor.settled();
  const after = apply({ 'container.id': shopId });
  assert.deepEqual([after['k8s.namespace.label.team'], after.team, after['cloud.zone']], ['new', undefined, undefined]);
  assert.equal(
    (await values()).get('framekeeper_kubernetes_requests{outcome="missing",processor="k8s_attributes"}'),
    1,
  );
});

test('of more objects than are asked for at once, the others are asked for at their next sight, and counted', async (t) => {
  const rules = 'extract: {metadata: [], labels: [{key: team, from: namespace}]}';
  const { server, processor, apply, values } = await startWithServer(t, rules);
  const ids = Array.from({ length: 10 }, (_, i) => `${i}`.repeat(64));
  for (const [index, containerId] of ids.entries()) {
    const namespace = `space-${index}`;
    server.put(shopPod({ uid: `u-${index}`, containerId, more: { name: `pod-${index}`, namespace } }));
    server.objects.set(`/api/v1/namespaces/${namespace}`, partialMetadata({ labels: { team: namespace } }));
  }
  await processor.start();
  await until(() => server.watchCount === 1);
  const teams = (): unknown[] => ids.map((id) => apply({ 'container.id': id })['k8s.namespace.label.team']);
  teams();
  const postponed = 'framekeeper_kubernetes_requests{outcome="postponed",processor="k8s_attributes"}';
  assert.equal((await values()).get(postponed), 2);
  await processor.settled();
  assert.equal(teams().filter((team) => team === undefined).length, 2);
  await processor.settled();
  assert.deepEqual(
    teams(),
    ids.map((_, index) => `space-${index}`),
  );
});

test('what is known stays while the server refuses, which is said once and asked again with delays', async (t) => {
  const { server, processor, apply, clock, lines, values } = await startWithServer(t, all);
  putObjects(server);
  server.put(shopPod());
  await processor.start();
  server.objectRefusal = { status: 403 };
  await clock.advance(300_000);
  apply({ 'container.id': shopId });
  await processor.settled();
  assert.deepEqual(apply({ 'container.id': shopId }), found);
  assert.equal(processor.settled(), undefined);
  assert.equal(lines.length, 1);
  assert.match(String(lines[0]!.reason), /403 \(the service account lacks the right to it\)/);
  const failed = 'framekeeper_kubernetes_requests{outcome="failed",processor="k8s_attributes"}';
  assert.equal((await values()).get(failed), 4);
  server.objectRefusal = undefined;
  server.objects.set('/api/v1/namespaces/web', partialMetadata({ labels: { team: 'new' } }));
  await clock.advance(5_000);
  apply({ 'container.id': shopId });
  await processor.settled();
  assert.equal(apply({ 'container.id': shopId })['k8s.namespace.label.team'], 'new');
});

test('the start that waits fails without the right to an object, and says which', async (t) => {
  const { server, processor, clock } = await startWithServer(t, `${all}, wait_for_metadata_timeout: 3s`);
  server.objectRefusal = { status: 403 };
  server.put(shopPod());
  const refused = assert.rejects(
    processor.start(),
    /not all namespaces, nodes and owners of pods known within 3000 ms; \/api.*403 \(the service account lacks the right/,
  );
  await until(() => server.requests.some(({ path }) => path === '/api/v1/namespaces/web'));
  await until(() => processor.settled() === undefined);
  await clock.advance(3_000);
  await refused;
});

test('an owner that was made anew under its name is not that of the pod', async (t) => {
  const rules = 'wait_for_metadata: true, extract: {metadata: [], labels: [{key: team, from: daemonset}]}';
  const { server, processor, apply } = await startWithServer(t, rules);
  const ownerReferences = [{ kind: 'DaemonSet', name: 'agent', uid: 'u-old' }];
  server.put(shopPod({ more: { ownerReferences } }));
  const anew = partialMetadata({ uid: 'u-new', labels: { team: 'other' } });
  server.objects.set('/apis/apps/v1/namespaces/web/daemonsets/agent', anew);
  await processor.start();
  assert.deepEqual(apply({ 'container.id': shopId }), { 'container.id': shopId });
});

test('a request waits for process, pod and namespace, which are known one after another', async (t) => {
  const procRoot = mkdtempSync(join(tmpdir(), 'framekeeper-'));
  t.after(() => rmSync(procRoot, { recursive: true }));
  mkdirSync(join(procRoot, '42'));
  writeFileSync(join(procRoot, '42/stat'), `42 (shop) S ${'0 '.repeat(18)}7 0\n`);
  writeFileSync(join(procRoot, '42/cgroup'), `0::/kubepods.slice/cri-containerd-${shopId}.scope\n`);
  const lookUp = `hold: 20s, process_lookup: always, proc_root: ${procRoot}`;
  const rules = 'extract: {metadata: [k8s.pod.name], labels: [{key: team, from: namespace}]}';
  const { server, processor, chain } = await startWithServer(t, `${lookUp}, ${rules}`);
  putObjects(server);
  await processor.start();
  await until(() => server.watchCount === 1);
  const resources = [[{ key: 'process.pid', value: 42n }]];
  chain.foresee!(resources);
  const settled = chain.settled!();
  let isSettled = false;
  void settled!.then(() => {
    isSettled = true;
  });
  // The process is read by now, and its pod is missed.
  const edit = () => chain.edit(resources, { isServiceOnSamples: false })[0]!;
  const attributesOf = () => {
    const after = edit();
    return after.kind === 'kept' ? Object.fromEntries(after.attributes.map(({ key, value }) => [key, value])) : {};
  };
  await until(() => processor.settled() !== undefined);
  assert.equal(isSettled, false);
  server.put(shopPod());
  await settled;
  assert.deepEqual(attributesOf(), {
    'process.pid': 42n,
    'container.id': shopId,
    'k8s.pod.name': 'shop-6d4cf56db6-x2x7k',
    'k8s.namespace.label.team': 'cart',
  });
});

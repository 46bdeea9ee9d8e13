import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Extraction, MetadataName } from '../../../src/identity/kubernetes/extraction.ts';
import { identityOf, metadataNames } from '../../../src/identity/kubernetes/extraction.ts';
import type { Pod } from '../../../src/identity/kubernetes/pod.ts';
import { containersOf } from '../../../src/identity/kubernetes/pod.ts';
import { PodIndex } from '../../../src/identity/kubernetes/pod-index.ts';
import { UnknownPods } from '../../../src/identity/kubernetes/unknown-pods.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { shopId, shopPod } from './api-server.ts';

const everything: Extraction = { metadata: new Set(metadataNames), fields: [], hasOtelAnnotations: true };
const nobody = { id: '', name: '' };
const idOf = (digits: string): string => digits.repeat(32);

/** A pod with a container of each kind; that of its work has run once before. */
function manyPod(): Pod {
  const status = (name: string, digits: string): object => ({ name, containerID: `cri-o://${idOf(digits)}` });
  return {
    metadata: { name: 'many', namespace: 'web', uid: 'u-many' },
    spec: {
      containers: [{ name: 'work' }, { name: 'side' }],
      initContainers: [{ name: 'init' }],
      ephemeralContainers: [{ name: 'debugger' }],
    },
    status: {
      podIP: '10.1.2.9',
      containerStatuses: [
        { ...status('work', 'aa'), lastState: { terminated: { containerID: `cri-o://${idOf('ab')}` } } },
        status('side', 'bb'),
      ],
      initContainerStatuses: [status('init', 'cc')],
      ephemeralContainerStatuses: [status('debugger', 'dd')],
    },
  };
}

function indexOf(...pods: readonly Pod[]) {
  const clock = new FakeClock();
  const index = new PodIndex(everything, 120_000, clock);
  for (const pod of pods) index.set(pod);
  return { index, clock };
}

for (const { digits, name } of [
  { digits: 'aa', name: 'work' },
  { digits: 'ab', name: 'work' },
  { digits: 'bb', name: 'side' },
  { digits: 'cc', name: 'init' },
  { digits: 'dd', name: 'debugger' },
]) {
  test(`the container ${digits}… of a pod is "${name}"`, () => {
    const { index } = indexOf(manyPod());
    const id = idOf(digits);
    const found = index.find(`container ${id}`, { id, name: '' });
    assert.equal(found?.attributes.get('k8s.container.name'), name);
  });
}

test('a container that is named with its pod is that one, and of several containers none is guessed', () => {
  const { index } = indexOf(manyPod());
  assert.equal(index.find('uid u-many', { id: '', name: 'side' })?.attributes.get('k8s.container.name'), 'side');
  assert.equal(index.find('uid u-many', nobody)?.attributes.get('k8s.container.name'), undefined);
});

test('a pod in the network of its host has no address of its own', () => {
  const pod = manyPod();
  const { index } = indexOf({ ...pod, spec: { ...pod.spec, hostNetwork: true } });
  assert.equal(index.find('ip 10.1.2.9', nobody), undefined);
  assert.ok(indexOf(pod).index.find('ip 10.1.2.9', nobody));
});

test('a static pod is found by the hash that its control group has', () => {
  const { index } = indexOf(shopPod({ more: { annotations: { 'kubernetes.io/config.hash': 'a-hash' } } }));
  assert.ok(index.find('uid a-hash', nobody));
});

test('an address and a name that the next pod has stay its own when those of the last one end', async () => {
  const { index, clock } = indexOf(shopPod());
  index.delete('u-shop');
  index.set(shopPod({ uid: 'u-next', containerId: idOf('ee') }));
  await clock.advance(120_000);
  for (const key of ['ip 10.1.2.3', 'name web/shop-6d4cf56db6-x2x7k'] as const) {
    assert.equal(index.find(key, nobody)?.attributes.get('k8s.pod.uid'), 'u-next');
  }
  assert.equal(index.find(`container ${shopId}`, nobody), undefined);
});

test('an index is bounded, whatever the number of pods and of their containers', () => {
  const { index } = indexOf();
  for (let i = 0; i < 8_200; i++) index.set({ metadata: { uid: `u-${i}`, name: `p-${i}` } });
  assert.equal(index.size, 8_192);
  assert.equal(index.find('uid u-8195', nobody), undefined);
  index.set({ metadata: { uid: 'u-1', name: 'p-new' } });
  assert.ok(index.find('name /p-new', nobody));
  for (let i = 0; i < 70_000; i++) {
    const containerID = `x://${i}`;
    index.set({
      metadata: { uid: 'u-2' },
      spec: { containers: [{ name: 'c' }] },
      status: { containerStatuses: [{ name: 'c', containerID }] },
    });
  }
  // Within its grace, but one of too many.
  assert.equal(index.find('container 0', nobody), undefined);
  assert.ok(index.find('container 69998', nobody));
});

test('keys that nobody knew are bounded too, and the oldest is waited for again', async () => {
  const clock = new FakeClock();
  const unknown = new UnknownPods(1_000, clock);
  for (let i = 0; i < 4_097; i++) unknown.miss(`uid ${i}`);
  await clock.advance(2_000);
  unknown.miss('uid 4096');
  assert.equal(unknown.settled(), undefined);
  unknown.miss('uid 0');
  assert.ok(unknown.settled());
  unknown.stop();
});

test('who waits for a pod does so no longer once that stops', async () => {
  const unknown = new UnknownPods(1_000_000, new FakeClock());
  unknown.miss('uid 0');
  const settled = unknown.settled();
  assert.ok(settled);
  unknown.stop();
  await settled;
});

const digest = `sha256:${'c'.repeat(64)}`;

for (const { name, more = {}, image = 'shop', imageID = '', found } of [
  {
    name: 'the owner that controls it',
    more: {
      ownerReferences: [
        { kind: 'ReplicaSet', name: 'other', uid: 'u-o' },
        { kind: 'StatefulSet', name: 'db', uid: 'u-db', controller: true },
      ],
    },
    found: { 'k8s.statefulset.name': 'db', 'k8s.statefulset.uid': 'u-db', 'k8s.replicaset.name': undefined },
  },
  {
    name: 'a daemon set',
    more: { ownerReferences: [{ kind: 'DaemonSet', name: 'agent', uid: 'u-ds' }] },
    found: { 'k8s.daemonset.name': 'agent', 'k8s.daemonset.uid': 'u-ds', 'service.name': 'agent' },
  },
  {
    name: 'no deployment of a replica set of its own name',
    more: {
      labels: { 'pod-template-hash': 'abc' },
      ownerReferences: [{ kind: 'ReplicaSet', name: 'alone', uid: 'u-rs' }],
    },
    found: { 'k8s.replicaset.name': 'alone', 'k8s.deployment.name': undefined, 'service.name': 'alone' },
  },
  {
    name: 'its instance before its name, and the version of its label',
    more: {
      labels: {
        'app.kubernetes.io/instance': 'shop-eu',
        'app.kubernetes.io/name': 'shop',
        'app.kubernetes.io/version': '7',
      },
    },
    image: 'shop:1.2',
    found: { 'service.name': 'shop-eu', 'service.version': '7' },
  },
  {
    name: 'what its annotations say before what is derived',
    more: { annotations: { 'resource.opentelemetry.io/service.namespace': 'by annotation' } },
    found: { 'service.namespace': 'by annotation', 'k8s.namespace.name': 'web' },
  },
  {
    name: 'an image without a tag',
    found: { 'container.image.name': 'shop', 'container.image.tags': ['latest'], 'service.version': 'latest' },
  },
  {
    name: 'an image by its digest',
    image: `shop@${digest}`,
    found: {
      'container.image.name': 'shop',
      'container.image.tags': undefined,
      'service.version': digest,
      'container.image.repo_digests': undefined,
    },
  },
  {
    name: 'an image by tag and digest, and an ID that is no digest of a repository',
    image: `shop:1.2@${digest}`,
    imageID: `docker://${digest}`,
    found: {
      'container.image.tags': ['1.2'],
      'service.version': `1.2@${digest}`,
      'container.image.repo_digests': undefined,
    },
  },
] as const) {
  test(`a pod tells ${name}`, () => {
    const pod = shopPod({ more: { ownerReferences: [], labels: {}, annotations: {}, ...more } });
    const status = { name: 'shop', imageID };
    const [container] = containersOf({
      ...pod,
      spec: { containers: [{ name: 'shop', image }] },
      status: { containerStatuses: [status] },
    });
    const { attributes } = identityOf(pod, container, everything);
    const wanted = Object.keys(found).map((key) => [key, attributes.get(key as MetadataName)]);
    assert.deepEqual(Object.fromEntries(wanted), found);
  });
}

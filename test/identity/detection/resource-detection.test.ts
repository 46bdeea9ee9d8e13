import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { detectionType } from '../../../src/identity/detection/detection-config.ts';
import { ResourceDetection } from '../../../src/identity/detection/resource-detection.ts';
import type { Host } from '../../../src/identity/host.ts';
import type { ProcessFacts } from '../../../src/identity/processes/process-reader.ts';
import { ResourceChain } from '../../../src/identity/resource-chain.ts';
import { ResourceDraft } from '../../../src/identity/resource-draft.ts';
import type { AnyValue } from '../../../src/otlp/profiles-data.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { recordLogs } from '../../support/log-recorder.ts';
import { recordMetrics } from '../../support/metric-recorder.ts';
import { fakeHost } from '../fake-host.ts';
import { readProcessor } from '../processor-config.ts';

function setUp(yaml: string, host: Host, facts?: ProcessFacts) {
  const { config, faults } = readProcessor(detectionType, yaml);
  assert.deepEqual(faults, []);
  const clock = new FakeClock();
  const { logger, lines } = recordLogs();
  const processes = facts && { lookUp: (pid: number) => (pid === 42 ? facts : undefined), settled: () => undefined };
  const detection = new ResourceDetection('resource_detection', config, { host, clock, logger, processes });
  const apply = (attributes: Record<string, AnyValue>): Record<string, AnyValue> => {
    const draft = new ResourceDraft(
      Object.entries(attributes).map(([key, value]) => ({ key, value })),
      { isServiceOnSamples: false },
    );
    detection.apply(draft);
    return Object.fromEntries(draft.finish().map(({ key, value }) => [key, value]));
  };
  return { detection, clock, apply, lines };
}

const files = {
  '/etc/machine-id': 'b0b\n',
  '/etc/os-release': 'NAME="Debian GNU/Linux"\nID=debian\nVERSION_ID="13"\n',
};
const env = { OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=staging,host.name=of%20env' };

for (const { yaml, given = {}, found } of [
  { yaml: '{}', found: { 'deployment.environment.name': 'staging', 'host.name': 'of env' } },
  {
    yaml: '{detectors: [env, system]}',
    found: { 'deployment.environment.name': 'staging', 'host.name': 'of env', 'os.type': 'linux' },
  },
  {
    yaml: '{detectors: "system,env", system: {hostname_sources: [os]}}',
    given: { 'os.type': 'windows' },
    found: { 'os.type': 'windows', 'host.name': 'node-1', 'deployment.environment.name': 'staging' },
  },
  {
    yaml: '{detectors: [system, env], override: true, system: {hostname_sources: [os]}}',
    given: { 'os.type': 'windows' },
    found: { 'os.type': 'linux', 'deployment.environment.name': 'staging', 'host.name': 'node-1' },
  },
  {
    yaml: `{detectors: [system], system: {hostname_sources: [os], resource_attributes: {host.name: {enabled: false},
      host.id: {enabled: true}, host.arch: {enabled: true}, host.ip: {enabled: true}, os.name: {enabled: true},
      os.version: {enabled: true}, os.type: {enabled: false}, os.description: {enabled: true}}}}`,
    found: {
      'host.id': 'b0b',
      'host.arch': 'amd64',
      'host.ip': ['10.0.0.7'],
      'os.name': 'Debian GNU/Linux',
      'os.version': '13',
      'os.description': 'Linux node-1 6.18.0',
    },
  },
]) {
  test(`detection by ${yaml.slice(0, 60)} adds what it knows to ${JSON.stringify(given)}`, async () => {
    const { detection, apply } = setUp(yaml, fakeHost(env, files));
    await detection.start();
    assert.deepEqual(apply(given), found);
    await detection.stop();
  });
}

test('the ID of a container is no name of a host', async () => {
  for (const source of ['os', 'dns']) {
    const inContainer = { ...fakeHost(), hostname: '3f2a9c01b7de' };
    const { detection, apply } = setUp(`{detectors: [system], system: {hostname_sources: [${source}]}}`, inContainer);
    await detection.start();
    assert.deepEqual(apply({}), { 'os.type': 'linux' });
  }
});

test('the detector "process" describes the process that a profile is of, where its sender did not', async () => {
  const facts = { executablePath: '/usr/bin/shop', containerId: 'ab', podUid: '', variables: new Map() };
  const { detection, apply } = setUp('{detectors: [process]}', fakeHost(), facts);
  await detection.start();
  assert.deepEqual(apply({ 'process.pid': 42n, 'process.executable.name': 'own' }), {
    'process.pid': 42n,
    'process.executable.name': 'own',
    'process.executable.path': '/usr/bin/shop',
    'container.id': 'ab',
  });
  assert.deepEqual(apply({ 'process.pid': 43n }), { 'process.pid': 43n });
});

for (const { name, yaml, files: given, found } of [
  {
    name: 'no attribute of the process that is switched off',
    yaml: '{detectors: [process], process: {resource_attributes: {container.id: {enabled: false}}}}',
    files: {},
    found: { 'process.pid': 42n, 'process.executable.path': '/usr/bin/shop', 'process.executable.name': 'shop' },
  },
  {
    name: 'the ID of the machine from its second place',
    yaml: '{detectors: [system], system: {resource_attributes: {host.name: {enabled: false}, os.type: {enabled: false}, host.id: {enabled: true}}}}',
    files: { '/etc/machine-id': '\n', '/var/lib/dbus/machine-id': 'd1\n' },
    found: { 'process.pid': 42n, 'host.id': 'd1' },
  },
  {
    name: 'no name of the node that is switched off',
    yaml: '{detectors: [k8s_api], k8s_api: {resource_attributes: {k8s.node.name: {enabled: false}, k8s.node.uid: {enabled: false}}}}',
    files: {},
    found: { 'process.pid': 42n },
  },
]) {
  test(`detection adds ${name}`, async () => {
    const facts = { executablePath: '/usr/bin/shop', containerId: 'ab', podUid: '', variables: new Map() };
    const { detection, apply } = setUp(yaml, fakeHost({ K8S_NODE_NAME: 'node-1' }, given), facts);
    await detection.start();
    assert.deepEqual(apply({ 'process.pid': 42n }), found);
  });
}

test('a detector fills an attribute that was sent empty', async () => {
  const { detection, apply } = setUp('{}', fakeHost(env));
  await detection.start();
  assert.equal(apply({ 'host.name': '' })['host.name'], 'of env');
});

test('a detector that fails is said once a time, and stops the start only where that is asked for', async () => {
  const host = fakeHost({ OTEL_RESOURCE_ATTRIBUTES: 'a=b,c' });
  const { detection, apply, lines } = setUp('{}', host);
  await detection.start();
  assert.deepEqual(apply({}), {});
  assert.match(JSON.stringify(lines), /OTEL_RESOURCE_ATTRIBUTES is not of the form/);
  const strict = setUp('{fail_on_missing_metadata: true, detectors: [k8snode]}', host);
  await assert.rejects(strict.detection.start(), /k8s_api: K8S_NODE_NAME is not set; set it from the downward API/);
});

test('detectors are asked again after the interval, and keep what they knew while they fail', async () => {
  const variables: Record<string, string> = { OTEL_RESOURCE_ATTRIBUTES: 'a=1' };
  const { detection, apply, clock } = setUp('{refresh_interval: 1m}', fakeHost(variables));
  await detection.start();
  variables.OTEL_RESOURCE_ATTRIBUTES = 'a=2';
  assert.deepEqual(apply({}), { a: '1' });
  await clock.advance(60_000);
  assert.deepEqual(apply({}), { a: '2' });
  variables.OTEL_RESOURCE_ATTRIBUTES = 'a';
  await clock.advance(60_000);
  assert.deepEqual(apply({}), { a: '2' });
  await detection.stop();
});

test('outcomes are kept for resources that come again until a detector knows something else, and not where processes are read', async () => {
  const variables: Record<string, string> = { OTEL_RESOURCE_ATTRIBUTES: 'a=1' };
  const { detection, clock } = setUp('{refresh_interval: 1m}', fakeHost(variables));
  await detection.start();
  const chain = new ResourceChain([detection], recordMetrics().meter);
  const resource = [{ key: 'process.pid', value: 42n }];
  const edit = (): unknown => chain.edit([resource], { isServiceOnSamples: false })[0];
  const [first, again] = [edit(), edit()];
  assert.equal(again, first);
  variables.OTEL_RESOURCE_ATTRIBUTES = 'a=2';
  await clock.advance(60_000);
  const attributes = [...resource, { key: 'a', value: '2' }];
  assert.deepEqual(edit(), { kind: 'kept', attributes, samples: undefined });
  await detection.stop();
  const facts = { executablePath: '/usr/bin/java', containerId: '', variables: new Map() };
  const reading = setUp('{detectors: [process]}', fakeHost({}), facts as unknown as ProcessFacts).detection;
  const other = new ResourceChain([reading], recordMetrics().meter);
  const [one, two] = [1, 2].map(() => other.edit([resource], { isServiceOnSamples: false })[0]);
  assert.notEqual(one, two);
});

test('the detector "k8s_api" asks the API server for the UIDs of node and cluster', async (t) => {
  const asked: unknown[] = [];
  const server = createServer((request, response) => {
    asked.push([request.url, request.headers.authorization]);
    response.end(JSON.stringify({ metadata: { uid: request.url === '/api/v1/nodes/node-1' ? 'n1' : 'c1' } }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const yaml = `{detectors: [k8s_api], k8s_api: {api_server: {endpoint: "${endpoint}", token_file: /token},
    resource_attributes: {k8s.cluster.uid: {enabled: true}}}}`;
  const { detection, apply } = setUp(yaml, fakeHost({ K8S_NODE_NAME: 'node-1' }, { '/token': 'secret\n' }));
  await detection.start();
  assert.deepEqual(apply({}), { 'k8s.node.name': 'node-1', 'k8s.node.uid': 'n1', 'k8s.cluster.uid': 'c1' });
  assert.deepEqual(asked, [
    ['/api/v1/nodes/node-1', 'Bearer secret'],
    ['/api/v1/namespaces/kube-system', 'Bearer secret'],
  ]);
});

test('a detector that does not answer costs no more than its timeout', async () => {
  const host = {
    ...fakeHost({ K8S_NODE_NAME: 'n', KUBERNETES_SERVICE_HOST: '127.0.0.1' }),
    readText: () => new Promise<string>(() => undefined),
  };
  const { detection, clock, lines } = setUp('{detectors: [k8s_api]}', host);
  const started = detection.start();
  await clock.advance(5_000);
  await started;
  assert.match(JSON.stringify(lines), /no answer within 5000 ms/);
});

test('a detector that is not known is refused with what there is', () => {
  const { faults } = readProcessor(detectionType, '{detectors: [env, gcp]}');
  assert.deepEqual(faults, [
    'p.detectors[1]: "gcp" is not known here; write one of env, system, process, k8s_api, ec2, azure; what others tell can stand in OTEL_RESOURCE_ATTRIBUTES.',
  ]);
});

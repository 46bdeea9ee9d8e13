import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { locatePeers } from './peers.ts';

const deploy = join(import.meta.dirname, '../../deploy');
const chart = join(deploy, 'helm/framekeeper');
const examples = readdirSync(join(chart, 'examples')).sort();
const main = join(import.meta.dirname, '../../src/main.ts');

interface KubernetesObject {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
}

function helm(...args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(locatePeers().helm, args, { encoding: 'utf8' });
}

/** The objects of the chart with the values of an example, as YAML. A Helm built from source takes the cluster for version 1.20. */
function render(example?: string, ...more: readonly string[]): string {
  const values = example === undefined ? [] : ['--values', join(chart, 'examples', example)];
  const cluster = ['--kube-version', '1.31.0', '--api-versions', 'monitoring.coreos.com/v1'];
  const { status, stdout, stderr } = helm(
    'template',
    'framekeeper',
    chart,
    '-n',
    'profiling',
    ...cluster,
    ...values,
    ...more,
  );
  assert.equal(status, 0, stderr);
  return stdout;
}

function objectsOf(text: string): KubernetesObject[] {
  return parseAllDocuments(text).flatMap((document) => (document.toJS() as KubernetesObject | null) ?? []);
}

test('helm lint finds nothing in the chart', () => {
  const { status, stdout } = helm('lint', '--strict', '--kube-version', '1.31.0', chart);
  assert.equal(status, 0, stdout);
});

for (const example of [undefined, ...examples]) {
  const name = example === undefined ? 'its own values' : `examples/${example}`;
  test(`the chart with ${name} renders objects that Kubernetes knows, field by field`, () => {
    const { status, stderr } = spawnSync(locatePeers().kubernetesObjects, { input: render(example), encoding: 'utf8' });
    assert.equal(status, 0, stderr);
  });

  test(`the chart with ${name} has a configuration that framekeeper validate accepts`, (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'framekeeper-chart-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const configs = objectsOf(render(example)).flatMap(({ data = {} }) => data['otel-config.yaml'] ?? []);
    assert.equal(configs.length, 1);
    const path = join(folder, 'otel-config.yaml');
    // Folders and files of the pod are looked for on this machine otherwise.
    writeFileSync(
      path,
      configs[0]!.replaceAll('/var/lib/framekeeper', folder).replaceAll('/etc/framekeeper-token', folder),
    );
    writeFileSync(join(folder, 'token'), 'token');
    const env = { ...process.env, POD_IP: '10.0.0.7', K8S_NODE_NAME: 'node-1' };
    const args = [main, 'validate', '--config', path];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8' });
    assert.deepEqual([status, stdout, stderr], [0, '', '']);
  });
}

test('Kubernetes’ types refuse what a chart could get wrong', () => {
  const wrong = render().replace('readOnlyRootFilesystem', 'readOnlyRootFileSystem');
  const { status, stderr } = spawnSync(locatePeers().kubernetesObjects, { input: wrong, encoding: 'utf8' });
  assert.equal(status, 1);
  assert.match(
    stderr,
    /unknown field "spec\.template\.spec\.containers\[0\]\.securityContext\.readOnlyRootFileSystem"/,
  );
});

test('a value that the chart does not know is refused by its name', () => {
  const { status, stderr } = helm(
    'template',
    'framekeeper',
    chart,
    '--kube-version',
    '1.31.0',
    '--set',
    'symboliser.enabled=false',
  );
  assert.equal(status, 1);
  assert.match(stderr, /symboliser/);
});

test('every part of the chart is in the example that switches on everything', () => {
  const kinds = objectsOf(render('everything.yaml')).map(({ kind }) => kind);
  assert.deepEqual([...new Set(kinds)].sort(), [
    'ClusterRole',
    'ClusterRoleBinding',
    'ConfigMap',
    'DaemonSet',
    'NetworkPolicy',
    'PodMonitor',
    'PrometheusRule',
    'Service',
    'ServiceAccount',
  ]);
});

test('without rights on the node the pod fits the Pod Security level "restricted"', () => {
  const daemonSet = objectsOf(render('restricted.yaml')).find(({ kind }) => kind === 'DaemonSet') as unknown as {
    spec: {
      template: {
        spec: Record<string, unknown> & {
          containers: { securityContext: object; ports: object[] }[];
          volumes: object[];
        };
      };
    };
  };
  const { containers, volumes, hostPID } = daemonSet.spec.template.spec;
  assert.equal(hostPID, undefined);
  assert.ok(volumes.every((volume) => !('hostPath' in volume)));
  assert.ok(containers[0]!.ports.every((port) => !('hostPort' in port)));
  assert.deepEqual(containers[0]!.securityContext, {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    seccompProfile: { type: 'RuntimeDefault' },
    runAsNonRoot: true,
    runAsUser: 1000,
    runAsGroup: 1000,
    capabilities: { drop: ['ALL'] },
  });
});

test('the plain manifests are what the chart renders; docs/kubernetes.md has the command', () => {
  const base = join(deploy, 'kubernetes');
  const { resources, namespace } = parse(readFileSync(join(base, 'kustomization.yaml'), 'utf8')) as {
    resources: string[];
    namespace: string;
  };
  assert.deepEqual([resources, namespace], [['namespace.yaml', 'framekeeper.yaml'], 'profiling']);
  assert.equal(readFileSync(join(base, 'framekeeper.yaml'), 'utf8'), render());
});

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { parse, parseAllDocuments, stringify } from 'yaml';
import type { ProfilesData } from '../../src/otlp/profiles-data.ts';
import { checkConformance } from '../../src/profile/check/check-conformance.ts';
import { DialectLint } from '../../src/profile/dialects/lint/lint-dialect.ts';
import { realRequests } from '../otlp/real-requests.ts';
import { decodeProfilesJson } from '../support/decode-json.ts';
import { FramesClient, smallBatch } from '../support/frames-client.ts';
import { freePorts } from '../support/free-ports.ts';
import { exportOverGrpc } from '../support/otlp-sender.ts';
import { startService } from '../support/running-service.ts';
import { nowUnixNano, resourcesOf } from './identity-harness.ts';
import { ApiServer, shopId, shopPod } from './kubernetes/api-server.ts';

type Section = Record<string, unknown>;

interface Configuration {
  readonly receivers: Section;
  readonly processors: Record<string, Section | null>;
  readonly exporters: Section;
  readonly extensions: Section;
  readonly service: {
    extensions: string[];
    telemetry?: unknown;
    readonly pipelines: { readonly profiles: Record<string, string[]> };
  };
}

const root = join(import.meta.dirname, '../..');

/** The configurations that users get, as they are in the repository. */
const deployed: Readonly<Record<string, () => Configuration>> = {
  'the shipped configuration': () => parse(readFileSync(join(root, 'otel-config.yaml'), 'utf8')) as Configuration,
  'the configuration for Kubernetes': () => {
    const objects = parseAllDocuments(readFileSync(join(root, 'deploy/kubernetes/framekeeper.yaml'), 'utf8'));
    const maps = objects.map((each) => each.toJS() as { data?: Record<string, string> } | null);
    return parse(
      maps.find((each) => each?.data?.['otel-config.yaml'] !== undefined)!.data!['otel-config.yaml']!,
    ) as Configuration;
  },
};

const hosts: Readonly<Record<string, string>> = {
  'the shipped configuration': 'of-env',
  'the configuration for Kubernetes': 'node-1',
};
process.env.OTEL_RESOURCE_ATTRIBUTES = 'host.name=of-env';
process.env.K8S_NODE_NAME = 'node-1';

/** Starts it with ports, folders and API server of a test, and a file in the place of the backend. All else is as it is deployed. */
async function startDeployed(t: TestContext, name: string, dialect: string, folder = temporaryFolder(t)) {
  const [grpc, http] = (await freePorts(2)) as [number, number];
  const config = deployed[name]!();
  const { processors, service } = config;
  const protocols = { grpc: { endpoint: `127.0.0.1:${grpc}` } };
  Object.assign(config.receivers, {
    frames: { protocols },
    otlp: { protocols: { ...protocols, http: { endpoint: `127.0.0.1:${http}` } } },
  });
  const path = join(folder, 'profiles.jsonl');
  Object.assign(config, { exporters: { file: { path, dialect } } });
  service.pipelines.profiles.exporters = ['file'];
  delete service.telemetry;
  const isStored = 'file_storage' in config.extensions;
  Object.assign(config, {
    extensions: isStored ? { file_storage: { directory: join(folder, 'queue'), create_directory: true } } : {},
  });
  service.extensions = isStored ? ['file_storage'] : [];
  mkdirSync(join(folder, 'names'), { recursive: true });
  processors.symbol_store = { ...processors.symbol_store, snapshot: { path: join(folder, 'names/symbols') } };
  processors.reporting_cycle = { ...processors.reporting_cycle, interval: '1h' };
  const server = new ApiServer();
  if (processors.k8s_attributes !== undefined) {
    await server.start(t);
    writeFileSync(join(folder, 'token'), server.token);
    writeFileSync(join(folder, 'ca.crt'), server.authority.cert);
    const files = { token_file: join(folder, 'token'), ca_file: join(folder, 'ca.crt') };
    Object.assign(processors.k8s_attributes!, {
      api_server: { endpoint: server.endpoint, ...files },
      wait_for_metadata: true,
    });
    server.put(shopPod());
  }
  const text = stringify(config).replaceAll(/\$\{env:K8S_NODE_NAME\}/g, 'node-1');
  const running = await startService(t, text.trimEnd());
  const frames = new FramesClient(grpc);
  t.after(() => frames.close());
  const finish = async (): Promise<readonly ProfilesData[]> => {
    await running.stop();
    if (!readdirSync(folder).includes('profiles.jsonl')) return [];
    return readFileSync(path, 'utf8').trim().split('\n').map(decodeProfilesJson);
  };
  return { ...running, frames, grpc, http, finish };
}

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'framekeeper-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

for (const name of Object.keys(deployed)) {
  for (const dialect of ['pyroscope', 'elastic'] as const) {
    test(`requests of a real profiler and a real collector through ${name} have no finding of ${dialect}`, async (t) => {
      const { grpc, frames, finish } = await startDeployed(t, name, dialect);
      for (const encoder of ['profiler', 'collector'] as const) {
        for (const request of realRequests(encoder)) await exportOverGrpc(grpc, request);
      }
      await frames.submit(smallBatch([nowUnixNano()]));
      const messages = await finish();
      assert.equal(messages.length, 17);
      // The Collector's requests hold the profiler's samples again.
      for (const each of [messages.slice(0, 8), messages.slice(8)]) {
        const lint = new DialectLint(dialect);
        assert.deepEqual(
          each.flatMap((message) => lint.lint(message)),
          [],
        );
      }
      for (const message of messages) assert.deepEqual(checkConformance(message), []);
      for (const { 'host.name': host } of resourcesOf(messages)) assert.equal(host, hosts[name]);
    });
  }
}

test('samples that come back from the journal say of which service, pod and host they are', async (t) => {
  const folder = temporaryFolder(t);
  const name = 'the configuration for Kubernetes';
  const first = await startDeployed(t, name, 'generic', folder);
  const strings = ['samples', 'count', 'cpu', 'nanoseconds', 'main', shopId];
  const processes = [
    { pid: 42, comm: 5, containerId: 6 },
    { pid: 43, comm: 5 },
  ];
  const samples = [1, 2].map((process) => ({ stack: 1, process, profileType: 1, timestamps: [nowUnixNano()] }));
  await first.frames.submit(smallBatch([], { strings, processes, samples }));
  // Too late for a report: the window stays in the journal.
  await first.service.stop({ receivers: AbortSignal.abort(), all: AbortSignal.abort() });
  assert.equal(readFileSync(join(folder, 'profiles.jsonl'), 'utf8'), '');
  const second = await startDeployed(t, name, 'generic', folder);
  const resources = resourcesOf(await second.finish());
  const told = resources.map((each) => [each['service.name'], each['k8s.pod.name'], each['host.name']]);
  assert.deepEqual(told.sort(), [
    ['shop', 'shop-6d4cf56db6-x2x7k', 'node-1'],
    ['unknown_service:main', undefined, 'node-1'],
  ]);
});

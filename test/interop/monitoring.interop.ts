import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'yaml';
import { realRequests } from '../otlp/real-requests.ts';
import { Authority } from '../support/certificates.ts';
import { runChild } from '../support/child-process.ts';
import { FramesClient, smallBatch } from '../support/frames-client.ts';
import { freePorts } from '../support/free-ports.ts';
import { exportOverGrpc } from '../support/otlp-sender.ts';
import { patienceMs } from '../support/patience.ts';
import { startService } from '../support/running-service.ts';

const deploy = join(import.meta.dirname, '../../deploy');
const isInstalled = spawnSync('prometheus', ['--version']).status === 0;
const skip = isInstalled ? false : "Prometheus is not installed (Debian's package prometheus)";

test('promtool accepts the alert rules, and its runs of them end in the alerts that they should', { skip }, () => {
  for (const args of [
    ['check', 'rules', '--lint-fatal', 'framekeeper.rules.yaml'],
    ['test', 'rules', 'framekeeper.rules.test.yaml'],
  ]) {
    const { status, stdout, stderr } = spawnSync('promtool', args, {
      cwd: join(deploy, 'prometheus'),
      encoding: 'utf8',
    });
    assert.equal(status, 0, stdout + stderr);
  }
});

test('each query of the dashboard and each alert finds its metrics in what Prometheus reads from a service', {
  skip,
  timeout: 2 * patienceMs,
}, async (t) => {
  const query = await startPrometheus(t, await serveMetrics(t));
  const known = new Set(await query<string[]>('label/__name__/values'));
  const queries = dashboardQueries();
  assert.ok(queries.length > 30);
  for (const { where, expr } of [...queries, ...alertQueries()]) {
    assert.deepEqual(
      metricNames(expr).filter((name) => !known.has(name)),
      [],
      `${where}: ${expr}`,
    );
    const { result } = await query<{ result: unknown[] }>(`query?query=${encodeURIComponent(expr)}`);
    // A comparison is empty while all is well.
    if (!expr.includes(' > ') && where !== 'alert') assert.ok(result.length > 0, `${where} shows nothing: ${expr}`);
  }
});

/** Serves the metrics of a service with all that alerts watch: TLS, a queue on disk, a journal, frames without names. */
async function serveMetrics(t: TestContext): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'framekeeper-monitoring-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const { cert, key } = new Authority().issue('service');
  writeFileSync(join(folder, 'cert.pem'), cert);
  writeFileSync(join(folder, 'key.pem'), key);
  const { service, metricsText } = await startService(
    t,
    `
receivers:
  frames: {protocols: {grpc: {endpoint: "127.0.0.1:0"}}}
  otlp: {protocols: {grpc: {endpoint: "127.0.0.1:0"}}}
  otlp/tls: {protocols: {http: {endpoint: "127.0.0.1:0", tls: {cert_file: "${folder}/cert.pem", key_file: "${folder}/key.pem"}}}}
processors:
  memory_limiter: {check_interval: 1s, limit_percentage: 80, spike_limit_percentage: 10}
  symbol_store:
  symbolizer:
  reporting_cycle: {interval: 200ms, jitter: 0, storage: file_storage}
exporters:
  otlp_http: {endpoint: "http://127.0.0.1:9", sending_queue: {storage: file_storage}}
extensions:
  file_storage: {directory: "${folder}/storage", create_directory: true}
service:
  extensions: [file_storage]
  pipelines:
    profiles: {receivers: [frames, otlp, otlp/tls], processors: [memory_limiter, symbol_store, symbolizer, reporting_cycle], exporters: [otlp_http]}`,
  );
  const client = new FramesClient(service.receiverPorts.get('frames')!);
  t.after(() => client.close());
  await client.submit(smallBatch([BigInt(Date.now()) * 1_000_000n]));
  await exportOverGrpc(service.receiverPorts.get('otlp')!, realRequests('profiler')[0]!);
  const server = createServer(async (_, response) => {
    response.setHeader('content-type', 'text/plain; version=0.0.4').end(await metricsText());
  });
  t.after(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** A Prometheus that reads the port each second; resolves, once it has read it for some seconds, to a call of its API. */
async function startPrometheus(t: TestContext, port: number): Promise<<Data>(path: string) => Promise<Data>> {
  const folder = mkdtempSync(join(tmpdir(), 'framekeeper-prometheus-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const [own] = await freePorts(1);
  const rules = join(deploy, 'prometheus/framekeeper.rules.yaml');
  writeFileSync(
    join(folder, 'prometheus.yml'),
    `global: {scrape_interval: 1s}\nrule_files: ["${rules}"]\nscrape_configs: [{job_name: framekeeper, static_configs: [{targets: ["127.0.0.1:${port}"]}]}]\n`,
  );
  const child = runChild('prometheus', [
    `--config.file=${folder}/prometheus.yml`,
    `--storage.tsdb.path=${folder}/data`,
    `--web.listen-address=127.0.0.1:${own}`,
  ]);
  t.after(() => child.kill());
  const query = async <Data>(path: string): Promise<Data> => {
    const answer = await fetch(`http://127.0.0.1:${own}/api/v1/${path}`);
    const body = (await answer.json()) as { status: string; error?: string; data: Data };
    assert.equal(body.status, 'success', `${path}: ${body.error}`);
    return body.data;
  };
  const counted = 'query?query=count_over_time(up[1m])';
  for (const deadline = Date.now() + patienceMs; ; await sleep(200)) {
    assert.ok(Date.now() < deadline, child.output());
    const { result } = await query<{ result: { value: [number, string] }[] }>(counted).catch(() => ({ result: [] }));
    if (Number(result[0]?.value[1] ?? 0) >= 4) return query;
  }
}

interface Query {
  readonly where: string;
  readonly expr: string;
}

/** The dashboard's queries, with its variables set as for all services. */
function dashboardQueries(): Query[] {
  const { panels } = JSON.parse(readFileSync(join(deploy, 'grafana/framekeeper.json'), 'utf8')) as {
    panels: { title: string; targets?: { expr: string }[] }[];
  };
  return panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({
      where: title,
      expr: expr.replaceAll('$__rate_interval', '10s').replaceAll('$job', '.*').replaceAll('$instance', '.*'),
    })),
  );
}

function alertQueries(): Query[] {
  const { groups } = parse(readFileSync(join(deploy, 'prometheus/framekeeper.rules.yaml'), 'utf8')) as {
    groups: { rules: { expr: string }[] }[];
  };
  return groups.flatMap(({ rules }) => rules.map(({ expr }) => ({ where: 'alert', expr })));
}

function metricNames(expr: string): string[] {
  return [...new Set(expr.match(/\b(?:framekeeper|otelcol)_\w+/g))];
}

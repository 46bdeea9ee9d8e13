import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { AnyValue, ProfilesData } from '../../src/otlp/profiles-data.ts';
import { decodeProfilesJson } from '../support/decode-json.ts';
import { FramesClient } from '../support/frames-client.ts';
import { freePorts } from '../support/free-ports.ts';
import { exportOverGrpc } from '../support/otlp-sender.ts';
import type { RunningService } from '../support/running-service.ts';
import { startService } from '../support/running-service.ts';

export interface IdentityRun {
  readonly service: RunningService;
  readonly frames: FramesClient;
  readonly sendOtlp: (bytes: Uint8Array) => Promise<unknown>;
  readonly sendJson: (text: string) => Promise<void>;
  /** Stops the service; what it has sent, in order. */
  readonly finish: () => Promise<readonly ProfilesData[]>;
}

/**
 * A service with a receiver of each kind, whose pipeline has the processors of `yaml` between store and cycle. `exporter` is more of the
 * file exporter's section.
 */
export async function runIdentity(
  t: TestContext,
  { processors = '', order = [] as readonly string[], cycle = '', exporter = '' },
): Promise<IdentityRun> {
  const folder = mkdtempSync(join(tmpdir(), 'framekeeper-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const [port, httpPort] = await freePorts(2);
  const protocols = `{protocols: {grpc: {endpoint: "127.0.0.1:${port}"}}}`;
  const both = `{protocols: {grpc: {endpoint: "127.0.0.1:${port}"}, http: {endpoint: "127.0.0.1:${httpPort}"}}}`;
  const path = join(folder, 'profiles.jsonl');
  const service = await startService(
    t,
    `
receivers: {frames: ${protocols}, otlp: ${both}}
processors:
  symbol_store: {}
  reporting_cycle: {interval: 1h, ${cycle}}
${processors.replace(/^/gm, '  ')}
exporters: {file: {path: "${path}"${exporter}}}
service:
  pipelines:
    profiles: {receivers: [frames, otlp], processors: [${['symbol_store', ...order, 'reporting_cycle'].join(', ')}], exporters: [file]}`,
  );
  const frames = new FramesClient(port!);
  t.after(() => frames.close());
  return {
    service,
    frames,
    sendOtlp: (bytes) => exportOverGrpc(port!, bytes),
    sendJson: async (body) => {
      const headers = { 'content-type': 'application/json' };
      const url = `http://127.0.0.1:${httpPort}/v1development/profiles`;
      const response = await fetch(url, { method: 'POST', headers, body });
      if (response.status !== 200) throw new Error(`HTTP ${response.status}: ${await response.text()}`);
    },
    finish: async () => {
      await service.stop();
      if (!readdirSync(folder).includes('profiles.jsonl')) return [];
      const text = readFileSync(path, 'utf8').trim();
      return text === '' ? [] : text.split('\n').map(decodeProfilesJson);
    },
  };
}

/** Attributes of all resources, in the order of sending. */
export function resourcesOf(messages: readonly ProfilesData[]): Record<string, AnyValue>[] {
  return messages.flatMap(({ resourceProfiles }) =>
    resourceProfiles.map(({ resource }) =>
      Object.fromEntries(resource.attributes.map(({ key, value }) => [key, value])),
    ),
  );
}

/** Now, as frames tell it. */
export function nowUnixNano(): bigint {
  return BigInt(Date.now()) * 1_000_000n;
}

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { stringify } from 'yaml';
import { runChild, waitForHealth } from '../support/child-process.ts';
import { freePorts } from '../support/free-ports.ts';
import { locatePeers } from './peers.ts';
import type { StackTotals } from './stack-totals.ts';
import { stackTotalsOfPprof } from './stack-totals.ts';

/** A running Parca that keeps profiles in memory. */
export interface Parca {
  /** host:port of OTLP over gRPC, and of its API. */
  readonly endpoint: string;
  /** E.g. `scope:samples:count:cpu:nanoseconds:delta`. */
  profileTypes(): Promise<string[]>;
  /** Names of labels. */
  labels(): Promise<string[]>;
  /** Values by stack, of all profiles of a type; Parca multiplies samples/count by the period. */
  stackTotals(profileType: string): Promise<StackTotals>;
  /** Answer to a query over all profiles of a type. @throws Error unless the status is 200. */
  query(profileType: string, reportType: string): Promise<Record<string, unknown>>;
  hasEnded(): boolean;
  stop(): Promise<void>;
}

/** Starts a Parca with its files in `folder`; resolves when it is ready. */
export async function startParca(folder: string): Promise<Parca> {
  const [port] = (await freePorts(1)) as [number];
  const endpoint = `127.0.0.1:${port}`;
  mkdirSync(folder, { recursive: true });
  const config = join(folder, 'parca.yaml');
  const bucket = { type: 'FILESYSTEM', config: { directory: join(folder, 'bucket') } };
  writeFileSync(config, stringify({ object_storage: { bucket } }));
  const child = runChild(
    locatePeers().parca,
    [
      `--config-path=${config}`,
      `--http-address=${endpoint}`,
      `--storage-path=${join(folder, 'data')}`,
      `--debuginfo-cache-dir=${join(folder, 'debuginfo')}`,
      // A public server is asked for symbols otherwise.
      '--debuginfod-upstream-servers=http://127.0.0.1:9',
    ],
    { folder },
  );
  const base = `http://${endpoint}`;
  await waitForHealth(`${base}/api/profiles/types`, child).catch(async (error) => {
    await child.stop();
    throw error;
  });
  const get = async (path: string, parameters: Record<string, string> = {}): Promise<Record<string, unknown>> => {
    const response = await fetch(`${base}/api/profiles/${path}?${new URLSearchParams(parameters)}`);
    const text = await response.text();
    if (response.status !== 200) throw new Error(`Parca answered ${response.status} to ${path}: ${text.slice(0, 500)}`);
    return JSON.parse(text);
  };
  const query = (profileType: string, reportType: string): Promise<Record<string, unknown>> =>
    get('query', {
      mode: 'MODE_MERGE',
      'merge.query': `${profileType}{}`,
      'merge.start': new Date(0).toISOString(),
      'merge.end': new Date(Date.now() + 3_600_000).toISOString(),
      report_type: reportType,
      node_trim_threshold: '0',
    });
  return {
    endpoint,
    query,
    hasEnded: child.hasEnded,
    profileTypes: async () => {
      const { types = [] } = (await get('types')) as { types?: readonly ParcaType[] };
      return types.map(
        (type) =>
          `${type.name}:${type.sampleType}:${type.sampleUnit}:${type.periodType}:${type.periodUnit}${type.delta ? ':delta' : ''}`,
      );
    },
    labels: async () => ((await get('labels')) as { labelNames?: readonly string[] }).labelNames?.slice().sort() ?? [],
    stackTotals: async (profileType) => {
      const { pprof } = await query(profileType, 'REPORT_TYPE_PPROF');
      const bytes = Buffer.from(String(pprof), 'base64');
      return stackTotalsOfPprof(bytes[0] === 0x1f ? gunzipSync(bytes) : bytes);
    },
    stop: async () => {
      await child.stop();
    },
  };
}

interface ParcaType {
  readonly name: string;
  readonly sampleType: string;
  readonly sampleUnit: string;
  readonly periodType: string;
  readonly periodUnit: string;
  readonly delta?: boolean;
}

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { decodeProfiles } from '../../src/otlp/protobuf/decode-profiles-data.ts';
import { encodeProfilesData } from '../../src/otlp/protobuf/encode-profiles-data.ts';
import { findWireVersion } from '../../src/otlp/protobuf/wire-version.ts';
import { ScriptedHttpServer } from '../support/otlp-http-server.ts';
import { exportOverGrpc } from '../support/otlp-sender.ts';
import { ScriptedOtlpServer } from '../support/otlp-server.ts';
import { collectorVersions } from './build-collector.ts';
import type { CollectorOptions } from './collector.ts';
import { startCollector } from './collector.ts';
import { exampleProfiles } from './example-profiles.ts';
import type { Exporters } from './otlp-between.ts';
import { startBetween } from './otlp-between.ts';

const header = 'otlp-profiles-development-version';

/** How a request came: with references to the string table in the attributes of resources, and with which header. */
interface Habit {
  readonly hasReferences: boolean;
  readonly developmentVersion: string | undefined;
}

function habit(request: { readonly bytes: Uint8Array; readonly headers: NodeJS.Dict<string | string[]> }): Habit {
  assert.deepEqual(findWireVersion(request.bytes), { kind: 'found', version: 'current' });
  const { referencedStrings } = decodeProfiles(request.bytes);
  return {
    hasReferences: referencedStrings.size > 0,
    developmentVersion: request.headers[header] as string | undefined,
  };
}

// What the tests of versions rest on: a release that does not differ from its neighbours would prove nothing.
const references = { hasReferences: true, developmentVersion: undefined };
const inline = { hasReferences: false, developmentVersion: undefined };
const declared = { developmentVersion: '1' };
const habits = {
  '0.159': { grpc: inline, http: inline },
  '0.161': { grpc: inline, http: references },
  '0.164': { grpc: { ...references, ...declared }, http: { ...references, ...declared } },
  us: { grpc: { ...inline, ...declared }, http: { ...inline, ...declared } },
};

for (const sender of [...collectorVersions, 'us'] as const) {
  const name = sender === 'us' ? 'Framekeeper' : `Collector ${sender}`;
  test(`${name} writes attributes and declares the version of its wire as we say it does`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'framekeeper-wire-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const grpc = await ScriptedOtlpServer.start();
    t.after(() => grpc.stop());
    const http = await ScriptedHttpServer.start();
    t.after(() => http.stop());
    const exporters = {
      otlp_grpc: { endpoint: grpc.endpoint, tls: { insecure: true } },
      otlp_http: { endpoint: http.endpoint },
    };
    const start = sender === 'us' ? startUs(t, folder, exporters) : startOne(t, folder, { version: sender, exporters });
    const port = await start;
    await exportOverGrpc(port, encodeProfilesData(exampleProfiles()));
    await grpc.until(({ requests }) => requests.length > 0);
    await http.until(({ requests }) => requests.length > 0);
    assert.deepEqual({ grpc: habit(grpc.requests[0]!), http: habit(http.requests[0]!) }, habits[sender]);
  });
}

async function startOne(t: TestContext, folder: string, options: CollectorOptions): Promise<number> {
  const { ports, stop } = await startCollector(folder, options);
  t.after(stop);
  return ports.grpc;
}

/** Ours behind a Collector that refers to the string table. */
async function startUs(t: TestContext, folder: string, exporters: Exporters): Promise<number> {
  const { grpcEndpoint: endpoint, stop } = await startBetween(folder, exporters);
  t.after(stop);
  return startOne(t, folder, { exporters: { otlp_grpc: { endpoint, tls: { insecure: true } } } });
}

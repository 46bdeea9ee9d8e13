import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { encodeProfilesData } from '../../src/otlp/protobuf/encode-profiles-data.ts';
import { goodProfiles } from '../otlp/good-profiles.ts';
import { freePorts } from '../support/free-ports.ts';
import { ScriptedHttpServer } from '../support/otlp-http-server.ts';
import { exportOverGrpc } from '../support/otlp-sender.ts';
import { ScriptedOtlpServer } from '../support/otlp-server.ts';
import { patienceMs } from '../support/patience.ts';
import { startService } from '../support/running-service.ts';

/** Health of a service: HTTP codes of `/status` and `/readyz`, and the word for the whole. */
interface Health {
  readonly status: number;
  readonly word: string;
  readonly error: string;
  readonly readyz: number;
}

async function startWith(t: TestContext, exporter: string, componentHealth: string) {
  const [health, otlp] = (await freePorts(2)) as [number, number];
  const [id] = exporter.split(':');
  await startService(
    t,
    `
receivers: {otlp: {protocols: {grpc: {endpoint: "127.0.0.1:${otlp}"}}}}
processors: {symbol_store: {}}
exporters: {${exporter}}
extensions: {health_check: {endpoint: "127.0.0.1:${health}", component_health: {${componentHealth}}}}
service:
  extensions: [health_check]
  pipelines: {profiles: {receivers: [otlp], processors: [symbol_store], exporters: [${id}]}}`,
  );
  const read = async (): Promise<Health> => {
    const answer = await fetch(`http://127.0.0.1:${health}/status`);
    const { status, error = '' } = (await answer.json()) as { status: string; error?: string };
    const { status: readyz } = await fetch(`http://127.0.0.1:${health}/readyz`);
    return { status: answer.status, word: status, error, readyz };
  };
  return {
    send: () => exportOverGrpc(otlp, encodeProfilesData(goodProfiles())),
    /** Health as soon as it is as wanted. */
    until: async (isWanted: (health: Health) => boolean): Promise<Health> => {
      const endMs = performance.now() + patienceMs;
      for (;;) {
        const found = await read();
        if (isWanted(found) || performance.now() > endMs) return found;
      }
    },
  };
}

const quickRetries = 'retry_on_failure: {initial_interval: 50ms, max_interval: 50ms}';
const protocols = [
  {
    name: 'gRPC',
    exporterAt: (port: number) => `otlp_grpc: {endpoint: "127.0.0.1:${port}", tls: {insecure: true}, ${quickRetries}}`,
    startBackend: (port: number) => ScriptedOtlpServer.start([], { port }),
    startRefusing: () => ScriptedOtlpServer.start(() => ({ kind: 'status', code: 16, details: 'wrong token' })),
    message: /Unauthenticated.*wrong token/,
  },
  {
    name: 'HTTP',
    exporterAt: (port: number) => `otlp_http: {endpoint: "http://127.0.0.1:${port}", ${quickRetries}}`,
    startBackend: (port: number) => ScriptedHttpServer.start([], { port }),
    startRefusing: () => ScriptedHttpServer.start(() => ({ kind: 'response', status: 401, body: 'wrong token' })),
    message: /401/,
  },
];

for (const { name, exporterAt, startBackend, startRefusing, message } of protocols) {
  test(`a backend that is down over ${name} is unhealthy after recovery_duration, and healthy once it is back`, async (t) => {
    const [port] = (await freePorts(1)) as [number];
    const keys = 'include_recoverable_errors: true, recovery_duration: 400ms';
    const { send, until } = await startWith(t, exporterAt(port), keys);
    await send();
    const down = await until(({ word }) => word === 'StatusRecoverableError');
    assert.match(down.error, /Unavailable/);
    const late = await until(({ status, readyz }) => status === 500 && readyz === 503);
    assert.deepEqual([late.status, late.word, late.readyz], [500, 'StatusRecoverableError', 503]);
    const backend = await startBackend(port);
    t.after(() => backend.stop());
    const back = await until(({ status, readyz }) => status === 200 && readyz === 200);
    assert.deepEqual(back, { status: 200, word: 'StatusOK', error: '', readyz: 200 });
  });

  test(`a wrong token over ${name} is a permanent error, and unhealthy where these are included`, async (t) => {
    const backend = await startRefusing();
    t.after(() => backend.stop());
    for (const { keys, status, readyz } of [
      { keys: 'include_permanent_errors: true', status: 500, readyz: 503 },
      { keys: 'include_recoverable_errors: true', status: 200, readyz: 200 },
      { keys: '', status: 200, readyz: 200 },
    ]) {
      const { send, until } = await startWith(t, exporterAt(backend.port), keys);
      await send();
      const { error, ...found } = await until(({ word }) => word === 'StatusPermanentError');
      assert.deepEqual(found, { status, word: 'StatusPermanentError', readyz }, keys);
      assert.match(error, message);
    }
  });
}

import type { ServerOptions } from 'node:https';
import type { TestContext } from 'node:test';
import type { Clock } from '../../src/support/clock.ts';
import type { Script } from '../support/otlp-answer.ts';
import type { HttpScript } from '../support/otlp-http-server.ts';
import { ScriptedHttpServer } from '../support/otlp-http-server.ts';
import type { OtlpServerOptions } from '../support/otlp-server.ts';
import { ScriptedOtlpServer } from '../support/otlp-server.ts';
import type { CreatedExporter, OtlpType } from './create-exporter.ts';
import { createExporter } from './create-exporter.ts';

// Real time with the shortest retries: what is tested is the order of attempts, not their distance.
const fastRetries = { initial_interval: '1ms', max_interval: '1ms', randomization_factor: 0 };

export interface Connection<Server> extends CreatedExporter {
  readonly server: Server;
}

export interface Setting {
  /** Of the exporter's section, beside its endpoint. */
  readonly values?: Record<string, unknown>;
  readonly clock?: Clock;
}

export interface GrpcSetting extends Setting {
  readonly script?: Script;
  readonly server?: OtlpServerOptions;
}

export interface HttpSetting extends Setting {
  readonly script?: HttpScript;
  readonly server?: { readonly tls?: ServerOptions };
}

/** A started otlp_grpc exporter and a server that it sends to; both end with the test. */
export async function connectGrpc(t: TestContext, setting: GrpcSetting = {}): Promise<Connection<ScriptedOtlpServer>> {
  return connect(t, 'otlp_grpc', await ScriptedOtlpServer.start(setting.script, setting.server), setting);
}

/** A started otlp_http exporter and a server that it sends to; both end with the test. */
export async function connectHttp(t: TestContext, setting: HttpSetting = {}): Promise<Connection<ScriptedHttpServer>> {
  return connect(t, 'otlp_http', await ScriptedHttpServer.start(setting.script, setting.server), setting);
}

async function connect<Server extends ScriptedOtlpServer | ScriptedHttpServer>(
  t: TestContext,
  type: OtlpType,
  server: Server,
  { values, clock }: Setting,
): Promise<Connection<Server>> {
  const section = { endpoint: server.endpoint, retry_on_failure: fastRetries, ...values };
  const created = createExporter(type, section, clock);
  t.after(async () => {
    await created.exporter.stop(AbortSignal.abort());
    await server.stop();
  });
  await created.exporter.start();
  return { server, ...created };
}

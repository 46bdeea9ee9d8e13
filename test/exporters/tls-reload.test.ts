import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { ConfigSection } from '../../src/config/config-section.ts';
import type { ProfilesExporter } from '../../src/exporters/export-request.ts';
import type { ExporterDependencies } from '../../src/exporters/exporter-dependencies.ts';
import { readOtlpGrpcConfig } from '../../src/exporters/otlp-grpc/otlp-grpc-config.ts';
import { createOtlpGrpcExporter } from '../../src/exporters/otlp-grpc/otlp-grpc-exporter.ts';
import { readOtlpHttpConfig } from '../../src/exporters/otlp-http/otlp-http-config.ts';
import { createOtlpHttpExporter } from '../../src/exporters/otlp-http/otlp-http-exporter.ts';
import type { Component } from '../../src/support/component.ts';
import { Authority, createTlsFolder } from '../support/certificates.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { fakeRequest } from '../support/fake-request.ts';
import { recordLogs } from '../support/log-recorder.ts';
import { recordMetrics } from '../support/metric-recorder.ts';
import { ScriptedHttpServer } from '../support/otlp-http-server.ts';
import { ScriptedOtlpServer } from '../support/otlp-server.ts';

interface Peer {
  readonly endpoint: string;
  readonly requests: readonly unknown[];
  stop(): Promise<void>;
}

interface TlsOptions {
  readonly cert: string;
  readonly key: string;
  readonly ca?: string;
  readonly requestCert?: boolean;
}

type AnyExporter = Component & ProfilesExporter;

const kinds: Record<
  string,
  {
    /** Answers its first request once the promise resolves. */
    readonly listen: (tls: TlsOptions, until: Promise<void>) => Promise<Peer>;
    readonly create: (values: object, dependencies: ExporterDependencies) => AnyExporter;
  }
> = {
  otlp_grpc: {
    listen: (tls, until) =>
      ScriptedOtlpServer.start([{ kind: 'slow', until, answer: { kind: 'ok' } }], {
        tls: { ...tls, rejectUnauthorized: true },
      }),
    create: (values, dependencies) => {
      const config = readOtlpGrpcConfig(new ConfigSection('', values, []));
      return createOtlpGrpcExporter('otlp_grpc', config, { ...dependencies, version: '1.2.3' });
    },
  },
  otlp_http: {
    listen: (tls, until) =>
      ScriptedHttpServer.start([{ kind: 'slow', until, answer: { kind: 'ok' } }], {
        tls: { ...tls, rejectUnauthorized: true },
      }),
    create: (values, dependencies) => {
      const config = readOtlpHttpConfig(new ConfigSection('', values, []));
      return createOtlpHttpExporter('otlp_http', config, { ...dependencies, version: '1.2.3' });
    },
  },
};

interface Running {
  readonly exporter: AnyExporter;
  readonly clock: FakeClock;
  readonly log: ReturnType<typeof recordLogs>;
  readonly values: () => Promise<Map<string, number>>;
}

async function start(t: TestContext, name: string, endpoint: string, tls: object): Promise<Running> {
  const clock = new FakeClock();
  const log = recordLogs();
  const { meter, values } = recordMetrics();
  const settings = {
    endpoint,
    tls: { ...tls, reload_interval: '1s' },
    timeout: 0,
    retry_on_failure: { initial_interval: '1s', max_interval: '1s', max_elapsed_time: 0 },
  };
  const exporter = kinds[name]!.create(settings, { logger: log.logger, meter, clock, random: () => 0.5 });
  await exporter.start();
  t.after(() => exporter.stop(AbortSignal.abort()));
  return { exporter, clock, log, values };
}

/** Moves the clock, retries and all, until something holds. */
async function advanceUntil({ signal }: TestContext, clock: FakeClock, isDone: () => boolean): Promise<void> {
  while (!isDone()) {
    signal.throwIfAborted();
    await clock.advance(1_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

for (const name of Object.keys(kinds)) {
  test(`${name} trusts a new ca_file without a restart`, async (t) => {
    const [former, current] = [new Authority('former'), new Authority('current')];
    const folder = createTlsFolder(t);
    folder.write('ca.pem', former.cert);
    const server = await kinds[name]!.listen(current.issue('server'), Promise.resolve());
    t.after(() => server.stop());
    const { exporter, clock, log } = await start(t, name, server.endpoint, { ca_file: folder.path('ca.pem') });
    exporter.offer(fakeRequest(1));
    const failed = 'Exporting failed. Will retry the request after interval.';
    await advanceUntil(t, clock, () => log.lines.some(({ msg }) => msg === failed));
    assert.equal(server.requests.length, 0);
    folder.write('ca.pem', current.cert);
    await advanceUntil(t, clock, () => server.requests.length === 1);
  });

  test(`${name} shows a new certificate without a restart, and ends what was under way on the former connection`, async (t) => {
    const [servers, former, current] = [new Authority(), new Authority('former'), new Authority('current')];
    const folder = createTlsFolder(t);
    folder.write('ca.pem', servers.cert);
    folder.put('client', former.issue('client'));
    const { promise: mayAnswer, resolve: answer } = Promise.withResolvers<void>();
    const ca = `${former.cert}${current.cert}`;
    const server = await kinds[name]!.listen({ ...servers.issue('server'), ca, requestCert: true }, mayAnswer);
    t.after(() => server.stop());
    const tls = {
      ca_file: folder.path('ca.pem'),
      cert_file: folder.path('client.pem'),
      key_file: folder.path('client.key'),
    };
    const { exporter, clock, log, values } = await start(t, name, server.endpoint, tls);
    exporter.offer(fakeRequest(1));
    await advanceUntil(t, clock, () => server.requests.length === 1);
    folder.put('client', current.issue('client'));
    await advanceUntil(t, clock, () => log.lines.some(({ msg }) => msg.startsWith('TLS files have changed and')));
    exporter.offer(fakeRequest(1));
    await advanceUntil(t, clock, () => server.requests.length === 2);
    answer();
    const label = [...(await values()).keys()].find((key) => key.startsWith('otelcol_exporter_in_flight_requests'))!;
    for (let left = 1; left > 0; left = (await values()).get(label)!) await clock.advance(1_000);
    assert.deepEqual(
      log.lines.filter(({ msg }) => msg.startsWith('Exporting failed')),
      [],
    );
    assert.equal(server.requests.length, 2);
  });

  test(`${name} goes on with its certificate while the new one is broken`, async (t) => {
    const authority = new Authority();
    const folder = createTlsFolder(t);
    folder.write('ca.pem', authority.cert);
    const server = await kinds[name]!.listen(authority.issue('server'), Promise.resolve());
    t.after(() => server.stop());
    const { exporter, clock, log } = await start(t, name, server.endpoint, { ca_file: folder.path('ca.pem') });
    folder.write('ca.pem', authority.cert.slice(0, 300));
    await advanceUntil(t, clock, () => log.lines.some(({ msg }) => msg.includes('the former stay in use')));
    const [line] = log.lines.filter(({ level }) => level > 30);
    assert.equal(line!.part, name);
    assert.match(String(line!.error), /^tls\.ca_file: .*ca\.pem has no certificate; name a file of whole certificates/);
    exporter.offer(fakeRequest(1));
    await advanceUntil(t, clock, () => server.requests.length === 1);
  });
}

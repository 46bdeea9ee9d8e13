import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { readConfig } from '../../src/cli/read-config.ts';
import { formatEndpoint } from '../../src/config/endpoint.ts';
import { decodeProfilesData } from '../../src/otlp/protobuf/decode-profiles-data.ts';
import { componentTypes } from '../../src/service/components.ts';
import { findPipelineProblems } from '../../src/service/pipeline-problems.ts';
import { Service } from '../../src/service/service.ts';
import { systemClock } from '../../src/support/clock.ts';
import { ProfileIds } from '../../src/support/profile-ids.ts';
import { Telemetry } from '../../src/support/telemetry.ts';
import { FramesClient, smallBatch } from '../support/frames-client.ts';
import { freePorts } from '../support/free-ports.ts';
import type { LogRecorder } from '../support/log-recorder.ts';
import { recordLogs } from '../support/log-recorder.ts';
import { plainSamples } from '../support/plain-view.ts';
import { recordedIo } from '../support/recorded-io.ts';
import { startService } from '../support/running-service.ts';

interface RunningService {
  readonly service: Service;
  readonly log: LogRecorder;
  /** What the file exporter has written, one message each. */
  readonly written: () => ReturnType<typeof decodeProfilesData>[];
}

/** A service that reports only when it stops, into files. */
function createService(context: TestContext, ports: { frames?: number; health?: number } = {}): RunningService {
  const folder = mkdtempSync(join(tmpdir(), 'framekeeper-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'profiles.otlp');
  const yaml = `
receivers: {frames: {protocols: {grpc: {endpoint: "127.0.0.1:${ports.frames ?? 0}"}}}}
processors: {symbol_store: {}, reporting_cycle: {interval: 1h}}
exporters: {file: {path: "${path}", format: proto}}
extensions: {health_check: {endpoint: "127.0.0.1:${ports.health ?? 0}"}}
service:
  extensions: [health_check]
  pipelines: {profiles: {receivers: [frames], processors: [symbol_store, reporting_cycle], exporters: [file]}}
  telemetry: {metrics: {level: none}}
`;
  const io = recordedIo({ 'config.yaml': yaml });
  const config = readConfig({ configs: ['config.yaml'], sets: [] }, componentTypes, io, findPipelineProblems);
  assert.ok(config, io.err);
  const log = recordLogs();
  const service = new Service(config.checked, {
    telemetry: new Telemetry(config.checked.telemetry.metrics, { name: 'test', version: '0', instanceId: 'a' }),
    logger: log.logger,
    clock: systemClock,
    random: Math.random,
    profileIds: new ProfileIds(randomBytes),
  });
  const written = (): ReturnType<typeof decodeProfilesData>[] => {
    const bytes = readFileSync(path);
    return bytes.length === 0 ? [] : [decodeProfilesData(bytes.subarray(4))];
  };
  return { service, log, written };
}

function healthUrl({ service }: RunningService, path: string): string {
  return `http://${formatEndpoint(service.httpAddresses.get('health_check')!)}${path}`;
}

function deadlines(ms = 10_000): { receivers: AbortSignal; all: AbortSignal } {
  return { receivers: AbortSignal.timeout(ms), all: AbortSignal.timeout(ms) };
}

async function submitOne({ service }: RunningService): Promise<void> {
  const client = new FramesClient(service.receiverPorts.get('frames')!);
  const { acceptedSamples } = await client.submit(smallBatch([systemClock.unixNano()]));
  client.close();
  assert.equal(acceptedSamples, 1);
}

test('Service starts from the end of the way to its beginning, is ready then, and reports the last window on stop', async (t) => {
  const running = createService(t);
  await running.service.start();
  assert.equal((await fetch(healthUrl(running, '/readyz'))).status, 200);
  await submitOne(running);
  await running.service.stop(deadlines());
  assert.deepEqual(
    running.log.lines.map(({ msg }) => msg),
    [
      'Serving health_check over HTTP.',
      'gRPC server is listening.',
      'Everything is ready. Begin running and processing data.',
      'Starting shutdown...',
      'Shutdown complete.',
    ],
  );
  assert.equal(running.written().flatMap(plainSamples).length, 1);
});

test('Service is not ready first thing at a stop, and reports the last window though a client hangs', async (t) => {
  const running = createService(t);
  await running.service.start();
  await submitOne(running);
  const session = connect(`http://127.0.0.1:${running.service.receiverPorts.get('frames')}`);
  session.on('error', () => undefined);
  const call = session.request({
    ':method': 'POST',
    ':path': '/framekeeper.frames.v1.FramesService/Submit',
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  call.on('error', () => undefined);
  await new Promise((resolve) => call.write(Buffer.alloc(3), resolve));
  const receivers = new AbortController();
  const all = new AbortController();
  const stopped = running.service.stop({ receivers: receivers.signal, all: all.signal });
  const response = await fetch(healthUrl(running, '/readyz'));
  assert.equal(response.status, 503);
  receivers.abort();
  await stopped;
  session.destroy();
  assert.equal(running.written().flatMap(plainSamples).length, 1);
});

test('Service leaves nothing open when a port is taken, and starts once it is free', async (t) => {
  const [frames, health] = (await freePorts(2)) as [number, number];
  const first = createService(t, { frames });
  await first.service.start();
  const second = createService(t, { frames, health });
  await assert.rejects(second.service.start(), /receivers\.frames\.protocols\.grpc\.endpoint: cannot listen on 127/);
  await assert.rejects(fetch(`http://127.0.0.1:${health}/`));
  assert.deepEqual(
    second.log.lines.filter(({ level }) => level > 30),
    [],
  );
  await first.service.stop(deadlines());
  const third = createService(t, { frames, health });
  await third.service.start();
  await third.service.stop(deadlines());
});

test('Service stops once, however often it is told', async (t) => {
  const running = createService(t);
  await running.service.start();
  await Promise.all([running.service.stop(deadlines()), running.service.stop(deadlines())]);
  assert.equal(running.log.lines.filter(({ msg }) => msg === 'Shutdown complete.').length, 1);
});

test('the windows of two pipelines are counted together', async (t) => {
  const { service, metric } = await startService(
    t,
    `
receivers:
  frames/a: {protocols: {grpc: {endpoint: "127.0.0.1:0"}}}
  frames/b: {protocols: {grpc: {endpoint: "127.0.0.1:0"}}}
processors: {symbol_store: {}, reporting_cycle: {interval: 1h}}
exporters: {debug: {}}
service:
  pipelines:
    profiles/a: {receivers: [frames/a], processors: [symbol_store, reporting_cycle], exporters: [debug]}
    profiles/b: {receivers: [frames/b], processors: [symbol_store, reporting_cycle], exporters: [debug]}`,
  );
  const now = BigInt(Date.now()) * 1_000_000n;
  for (const [id, timestamps] of [
    ['frames/a', [now, now + 1n]],
    ['frames/b', [now]],
  ] as const) {
    const client = new FramesClient(service.receiverPorts.get(id)!);
    t.after(() => client.close());
    await client.submit(smallBatch(timestamps));
  }
  assert.equal(await metric('framekeeper_window_trace_events'), 3);
});

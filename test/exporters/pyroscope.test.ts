import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { createExportRequest } from '../../src/exporters/export-request.ts';
import { maxReasonLength } from '../../src/exporters/shorten-reason.ts';
import { buildData } from '../support/build-data.ts';
import { FakeClock } from '../support/fake-clock.ts';
import type { PyroscopeHabits } from '../support/fake-pyroscope.ts';
import { FakePyroscope } from '../support/fake-pyroscope.ts';
import { patienceMs } from '../support/patience.ts';
import { connectGrpc, connectHttp } from './connect.ts';
import type { CreatedExporter, OtlpType } from './create-exporter.ts';

const services = ['shop', 'cart', 'mail', 'auth', 'pay'];

/** For each service as many samples as its place says: 15 in all. */
const report = buildData(
  ...services.map((service, place) => ({
    samples: Array.from({ length: place + 1 }, (_, index) => ({
      at: [index],
      stack: [{ names: [`${service} ${index}`] }],
    })),
    resource: { 'service.name': service },
  })),
);

/** Sends the report once and waits for its end; what Pyroscope has then, and what the exporter counted. */
async function deliver(t: TestContext, type: OtlpType, habits: PyroscopeHabits, dialect: string, data = report) {
  const pyroscope = new FakePyroscope(habits);
  const values = { dialect, sending_queue: { num_consumers: 1 } };
  const { exporter, metrics, logs }: CreatedExporter =
    type === 'otlp_grpc'
      ? await connectGrpc(t, { script: pyroscope.grpc, values })
      : await connectHttp(t, { script: pyroscope.http, values });
  const wait = Promise.withResolvers<void>();
  exporter.offer(createExportRequest(data, 15));
  const count = async (name: string): Promise<number> =>
    [...(await metrics())].reduce((sum, [key, value]) => (key.startsWith(`${name}{`) ? sum + value : sum), 0);
  const look = async (): Promise<void> => {
    const sent = await count('otelcol_exporter_sent_profile_samples');
    const failed = await count('otelcol_exporter_send_failed_profile_samples');
    if (sent + failed === 15) wait.resolve();
    else setImmediate(look);
  };
  void look();
  await wait.promise;
  const sent = await count('otelcol_exporter_sent_profile_samples');
  return { stored: pyroscope.sampleCount, sent, failed: 15 - sent, logs };
}

for (const type of ['otlp_http', 'otlp_grpc'] as const) {
  test(`${type} with dialect pyroscope loses nothing while Pyroscope starts`, async (t) => {
    const { stored, sent } = await deliver(t, type, { startingCount: 3 }, 'pyroscope');
    assert.deepEqual([stored, sent], [15, 15]);
  });

  test(`${type} with dialect pyroscope waits for its rate limit with a report of one service`, async (t) => {
    const samples = Array.from({ length: 15 }, (_, index) => ({ at: [index], stack: [{ names: [`f ${index}`] }] }));
    const { stored, sent } = await deliver(t, type, { throttledCount: 3 }, 'pyroscope', buildData({ samples }));
    assert.deepEqual([stored, sent], [15, 15]);
  });

  test(`${type} with dialect pyroscope gets a report through a rate limit that stores a part, and counts it once`, async (t) => {
    const { stored, sent, failed } = await deliver(t, type, { isRateLimited: true }, 'pyroscope');
    assert.deepEqual([stored, sent, failed], [15, 15, 0]);
  });

  test(`${type} with dialect pyroscope does not lose services for another that is refused, and says why`, async (t) => {
    const habits = { refusedServices: ['cart', 'pay'] };
    const { stored, sent, failed, logs } = await deliver(t, type, habits, 'pyroscope');
    assert.deepEqual([stored, sent, failed], [8, 8, 7]);
    const lines = logs.lines.filter(({ msg }) => msg === 'Exporting failed. Dropping data.');
    assert.deepEqual(
      lines.map(({ dropped_items }) => dropped_items),
      [7],
    );
    const error = String(lines[0]!.error);
    assert.match(
      error,
      /profile series '.*service_name="cart".* is outside of the ingestion window \(the first of 2 parts\)$/,
    );
    assert.ok(error.length < maxReasonLength + 200);
  });

  test(`${type} shows the first of many errors whole enough to tell its reason`, async (t) => {
    const { failed, logs } = await deliver(t, type, { refusedServices: services }, 'generic');
    assert.equal(failed, 15);
    const { error } = await logs.until('Exporting failed. Dropping data.');
    assert.match(String(error), /service_name="shop".* is outside of the ingestion window \(the first of 5 errors\)$/);
  });
}

for (const [type, connect] of [
  ['otlp_http', connectHttp],
  ['otlp_grpc', connectGrpc],
] as const) {
  test(`${type} with retry_on_auth_failure sends a report again a minute after a wrong token`, async (t) => {
    const pyroscope = new FakePyroscope({ unauthorizedCount: 1 });
    const clock = new FakeClock();
    const values = { retry_on_auth_failure: true, dialect: 'pyroscope' };
    const script = type === 'otlp_http' ? { script: pyroscope.http } : { script: pyroscope.grpc };
    const { server, exporter, logs, metrics } = await connect(t, { ...(script as object), values, clock });
    exporter.offer(createExportRequest(report, 15));
    const { level, error, interval } = await logs.until('Exporting failed. Will retry the request after interval.');
    assert.deepEqual([level, interval], [50, '1m']);
    assert.match(String(error), /Unauthenticated: .*no org id/);
    await clock.advance(60_000);
    await server.until(({ requests }) => requests.length === 2);
    await exporter.stop(AbortSignal.timeout(patienceMs));
    assert.equal(pyroscope.sampleCount, 15);
    assert.equal((await metrics()).get(`otelcol_exporter_sent_profile_samples{exporter="${type}/test"}`), 15);
  });
}

test('otlp_http with dialect generic follows OTLP: 500 is final', async (t) => {
  const { stored, failed } = await deliver(t, 'otlp_http', { startingCount: 1 }, 'generic');
  assert.deepEqual([stored, failed], [0, 15]);
});

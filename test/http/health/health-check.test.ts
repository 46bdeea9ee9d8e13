import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { ConfigSection } from '../../../src/config/config-section.ts';
import { formatGoDuration, formatGoTime, HealthCheck } from '../../../src/http/health/health-check.ts';
import { healthCheckTable } from '../../../src/http/health/health-check-config.ts';
import { HealthStatus } from '../../../src/http/health/health-status.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { serve } from '../../support/http-harness.ts';

async function start(
  context: TestContext,
  keys: object = {},
): Promise<{ url: string; health: HealthStatus; clock: FakeClock }> {
  const problems: ConstructorParameters<typeof ConfigSection>[2] = [];
  const config = healthCheckTable.read(new ConfigSection('extensions.health_check', keys, problems));
  assert.deepEqual(problems, []);
  const clock = new FakeClock(1_795_369_620_123_000_000n);
  const health = new HealthStatus([{ id: 'profiles', members: ['receiver:frames', 'exporter:debug'] }], clock);
  return {
    url: await serve(
      context,
      new HealthCheck('health_check', config, { status: health, clock, configText: () => 'a: 1\n' }),
    ),
    health,
    clock,
  };
}

async function get(url: string, init?: RequestInit): Promise<{ code: number; type: string | null; body: string }> {
  const response = await fetch(url, init);
  return { code: response.status, type: response.headers.get('content-type'), body: await response.text() };
}

const unavailable = '{"status":"Server not available","upSince":"0001-01-01T00:00:00Z","uptime":""}';

test('health_check answers 503 until ready, 200 with the uptime after, and 503 again on shutdown', async (context) => {
  const { url, health, clock } = await start(context);
  assert.deepEqual(await get(url), { code: 503, type: 'application/json', body: unavailable });
  health.markReady();
  await clock.advance(62_300);
  assert.deepEqual(await get(url), {
    code: 200,
    type: 'application/json',
    body: '{"status":"Server available","upSince":"2026-11-22T17:47:00.123Z","uptime":"1m2.3s"}',
  });
  health.markNotReady();
  assert.deepEqual(await get(url), { code: 503, type: 'application/json', body: unavailable });
});

test('/config shows the configuration', async (context) => {
  const { url } = await start(context);
  assert.deepEqual(await get(`${url}/config`), { code: 200, type: 'text/plain; charset=utf-8', body: 'a: 1\n' });
});

test('health_check answers any method, and any path below a path that ends with a slash', async (context) => {
  const { url } = await start(context);
  for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
    assert.deepEqual(await get(url, { method }), { code: 503, type: 'application/json', body: unavailable });
  }
  assert.equal((await get(`${url}/health/status`)).body, unavailable);
  assert.deepEqual(await get(url, { method: 'HEAD' }), { code: 503, type: 'application/json', body: '' });
});

test('health_check answers at its path alone when that does not end with a slash', async (context) => {
  const { url } = await start(context, { path: '/healthz' });
  assert.equal((await get(`${url}/healthz`)).body, unavailable);
  assert.deepEqual(await get(`${url}/`), { code: 404, type: 'text/plain; charset=utf-8', body: '404 not found\n' });
});

test('health_check answers with the configured bodies', async (context) => {
  const { url, health } = await start(context, { response_body: { healthy: 'yes', unhealthy: 'no' } });
  assert.deepEqual(await get(url), { code: 503, type: 'text/plain; charset=utf-8', body: 'no' });
  health.markReady();
  assert.deepEqual(await get(url), { code: 200, type: 'text/plain; charset=utf-8', body: 'yes' });
});

test('/livez and /readyz follow the service', async (context) => {
  const { url, health } = await start(context);
  const codes = async (): Promise<number[]> => [(await get(`${url}/livez`)).code, (await get(`${url}/readyz`)).code];
  assert.deepEqual(await codes(), [200, 503]);
  health.markReady();
  assert.deepEqual(await codes(), [200, 200]);
  health.report('frames', 'receiver', 'starting');
  health.report('frames', 'receiver', 'fatal_error', new Error('port taken'));
  assert.deepEqual(await codes(), [500, 503]);
  health.markNotReady();
  assert.deepEqual(await codes(), [500, 503]);
});

test('/status tells the whole, a pipeline, or all components', async (context) => {
  const { url, health, clock } = await start(context);
  health.report('health_check', 'extension', 'starting');
  health.report('health_check', 'extension', 'ok');
  health.report('frames', 'receiver', 'starting');
  health.report('frames', 'receiver', 'ok');
  await clock.advance(1000);
  health.report('debug', 'exporter', 'starting');
  health.report('debug', 'exporter', 'permanent_error', new Error('disk full'));
  const time = '2026-11-22T17:47:00.123Z';
  const later = '2026-11-22T17:47:01.123Z';
  const failed = { healthy: true, status: 'StatusPermanentError', error: 'disk full', status_time: later };
  const ok = { healthy: true, status: 'StatusOK', status_time: time };
  const { code, type, body } = await get(`${url}/status`);
  assert.deepEqual([code, type, JSON.parse(body)], [200, 'application/json', { start_time: time, ...failed }]);
  assert.deepEqual(JSON.parse((await get(`${url}/status?verbose`)).body), {
    start_time: time,
    ...failed,
    components: {
      extensions: { ...ok, components: { 'extension:health_check': ok } },
      'pipeline:profiles': { ...failed, components: { 'receiver:frames': ok, 'exporter:debug': failed } },
    },
  });
  assert.deepEqual(JSON.parse((await get(`${url}/status?pipeline=extensions&verbose=false`)).body), {
    start_time: time,
    ...ok,
  });
  assert.deepEqual(await get(`${url}/status?pipeline=traces`), { code: 404, type: null, body: '' });
});

for (const { status, keys, ageMs = 0, code } of [
  { status: 'starting', keys: {}, code: 503 },
  { status: 'ok', keys: {}, code: 200 },
  { status: 'recoverable_error', keys: {}, ageMs: 3_600_000, code: 200 },
  { status: 'recoverable_error', keys: { include_recoverable_errors: true }, ageMs: 299_999, code: 200 },
  { status: 'recoverable_error', keys: { include_recoverable_errors: true }, ageMs: 300_000, code: 500 },
  {
    status: 'recoverable_error',
    keys: { include_recoverable_errors: true, recovery_duration: '1s' },
    ageMs: 1000,
    code: 500,
  },
  { status: 'permanent_error', keys: {}, code: 200 },
  { status: 'permanent_error', keys: { include_permanent_errors: true }, code: 500 },
  { status: 'fatal_error', keys: {}, code: 500 },
  { status: 'stopping', keys: {}, code: 503 },
] as const) {
  test(`/status answers ${code} for ${status} after ${ageMs} ms with ${JSON.stringify(keys)}`, async (context) => {
    const { url, health, clock } = await start(context, { component_health: keys });
    health.report('frames', 'receiver', 'starting');
    health.report('frames', 'receiver', status);
    await clock.advance(ageMs);
    assert.equal((await get(`${url}/status`)).code, code);
  });
}

test('healthCheckTable.read refuses a path that is not one, or that something else answers', () => {
  for (const path of ['health', '/a b', '/status']) {
    const problems: { path: string }[] = [];
    healthCheckTable.read(new ConfigSection('extensions.health_check', { path }, problems as never));
    assert.deepEqual(
      problems.map((problem) => problem.path),
      ['extensions.health_check.path'],
    );
  }
});

for (const { name, keys, status, codes } of [
  { name: 'a recoverable error, as it is', keys: {}, status: 'recoverable_error', codes: [200, 200, 200] },
  {
    name: 'a recoverable error that is included',
    keys: { include_recoverable_errors: true, recovery_duration: '1m' },
    status: 'recoverable_error',
    codes: [200, 500, 503],
  },
  { name: 'a permanent error, as it is', keys: {}, status: 'permanent_error', codes: [200, 200, 200] },
  {
    name: 'a permanent error that is included',
    keys: { include_permanent_errors: true },
    status: 'permanent_error',
    codes: [500, 500, 503],
  },
] as const) {
  test(`/status and /readyz tell of ${name}`, async (context) => {
    const { url, health, clock } = await start(context, { component_health: keys });
    for (const [id, kind] of [
      ['frames', 'receiver'],
      ['debug', 'exporter'],
    ] as const) {
      health.report(id, kind, 'starting');
      health.report(id, kind, 'ok');
    }
    health.markReady();
    health.report('debug', 'exporter', status, new Error('backend down'));
    const young = (await get(`${url}/status`)).code;
    await clock.advance(59_000);
    // The same error again does not make it younger.
    health.report('debug', 'exporter', status, new Error('backend down'));
    await clock.advance(2_000);
    assert.deepEqual([young, (await get(`${url}/status`)).code, (await get(`${url}/readyz`)).code], codes);
    health.report('debug', 'exporter', 'ok');
    assert.deepEqual([(await get(`${url}/status`)).code, (await get(`${url}/readyz`)).code], [200, 200]);
  });
}

test('a permanent error does not hide a recoverable one that alone is included', async (context) => {
  const { url, health, clock } = await start(context, {
    component_health: { include_recoverable_errors: true, recovery_duration: '1s' },
  });
  for (const [id, kind, status] of [
    ['frames', 'receiver', 'permanent_error'],
    ['debug', 'exporter', 'recoverable_error'],
  ] as const) {
    health.report(id, kind, 'starting');
    health.report(id, kind, status, new Error('x'));
  }
  await clock.advance(2_000);
  assert.equal((await get(`${url}/status`)).code, 500);
  assert.equal((await get(`${url}/status?pipeline=profiles`)).code, 500);
});

test('the age of an error is that of the monotonic clock, whatever becomes of real time', async (context) => {
  const { url, health, clock } = await start(context, {
    component_health: { include_recoverable_errors: true, recovery_duration: '1m' },
  });
  health.report('debug', 'exporter', 'starting');
  health.report('debug', 'exporter', 'recoverable_error', new Error('backend down'));
  clock.setUnixBy(3_600_000);
  assert.equal((await get(`${url}/status`)).code, 200);
  clock.setUnixBy(-7_200_000);
  await clock.advance(60_000);
  assert.equal((await get(`${url}/status`)).code, 500);
});

// Each right-hand side was printed by Go's time package.
for (const [nanoseconds, text] of [
  [0n, '0s'],
  [1n, '1ns'],
  [1_500n, '1.5µs'],
  [2_000_000n, '2ms'],
  [999_999_999n, '999.999999ms'],
  [62_300_000_000n, '1m2.3s'],
  [3_600_000_000_000n, '1h0m0s'],
  [90_061_000_000_001n, '25h1m1.000000001s'],
] as const) {
  test(`formatGoDuration writes ${nanoseconds} ns as ${text}`, () => assert.equal(formatGoDuration(nanoseconds), text));
}

for (const [unixNano, text] of [
  [undefined, '0001-01-01T00:00:00Z'],
  [1_795_369_620_123_000_000n, '2026-11-22T17:47:00.123Z'],
  [1_795_369_620_000_000_001n, '2026-11-22T17:47:00.000000001Z'],
  [0n, '1970-01-01T00:00:00Z'],
] as const) {
  test(`formatGoTime writes ${unixNano} as ${text}`, () => assert.equal(formatGoTime(unixNano), text));
}

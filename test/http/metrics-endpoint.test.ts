import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MetricsEndpoint } from '../../src/http/metrics/metrics-endpoint.ts';
import { serve } from '../support/http-harness.ts';

test('/metrics serves the text with the type of the Prometheus format', async (context) => {
  const base = await serve(context, new MetricsEndpoint(async () => 'a 1\n'));
  const response = await fetch(`${base}/metrics`);
  assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
  assert.equal(await response.text(), 'a 1\n');
  assert.equal((await fetch(`${base}/metrics`, { method: 'HEAD' })).status, 200);
  assert.equal((await fetch(`${base}/`)).status, 404);
});

test('/metrics answers 500 without details when collecting fails', async (context) => {
  const base = await serve(context, new MetricsEndpoint(() => Promise.reject(new Error('secret'))));
  const response = await fetch(`${base}/metrics`);
  assert.deepEqual([response.status, await response.text()], [500, '500 internal error\n']);
});

const prometheus =
  'application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';

for (const { accept, hasTypeSuffix, isOpenMetrics } of [
  { accept: 'application/openmetrics-text; version=1.0.0', hasTypeSuffix: false, isOpenMetrics: true },
  { accept: 'application/openmetrics-text; version=1.0.0; q=0', hasTypeSuffix: false, isOpenMetrics: false },
  { accept: 'application/openmetrics-text; version=0.0.1', hasTypeSuffix: false, isOpenMetrics: false },
  { accept: '*/*', hasTypeSuffix: true, isOpenMetrics: false },
  { accept: prometheus, hasTypeSuffix: false, isOpenMetrics: false },
  { accept: prometheus, hasTypeSuffix: true, isOpenMetrics: true },
]) {
  const names = hasTypeSuffix ? 'names with type suffix' : 'names without';
  test(`/metrics serves ${isOpenMetrics ? 'OpenMetrics' : 'plain text'} to ${accept}, ${names}`, async (context) => {
    const mount = new MetricsEndpoint(async (isOpen) => (isOpen ? '# EOF\n' : 'a 1\n'), hasTypeSuffix);
    const response = await fetch(`${await serve(context, mount)}/metrics`, { headers: { accept } });
    assert.equal(await response.text(), isOpenMetrics ? '# EOF\n' : 'a 1\n');
    const type = isOpenMetrics ? 'application/openmetrics-text; version=1.0.0' : 'text/plain; version=0.0.4';
    assert.equal(response.headers.get('content-type'), `${type}; charset=utf-8`);
  });
}

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

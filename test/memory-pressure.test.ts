import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { encodeProfilesData } from '../src/otlp/protobuf/encode-profiles-data.ts';
import { goodProfiles } from './otlp/good-profiles.ts';
import { startService } from './support/running-service.ts';

const mib = 1024 * 1024;

/** A destination that keeps nothing, and answers nothing before it is opened. */
async function startDestination(t: TestContext): Promise<{ url: string; open: () => void }> {
  const { promise: opened, resolve: open } = Promise.withResolvers<void>();
  const server = createServer(async (request, response) => {
    await opened;
    request.resume();
    await once(request, 'end');
    response.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    open();
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, open };
}

/** A request of 2 MiB that no compression makes smaller to hold. */
function largeRequest(): Uint8Array {
  const data = goodProfiles();
  const [profile] = data.resourceProfiles[0]!.scopeProfiles[0]!.profiles;
  profile!.originalPayloadFormat = 'pprof';
  profile!.originalPayload = Buffer.alloc(2 * mib, 1);
  return encodeProfilesData(data);
}

test('with real memory in use: refused at the limit, and taken again once it is free, though it stays resident', async (t) => {
  const { url, open } = await startDestination(t);
  const limitMib = Math.round(process.memoryUsage.rss() / mib) + 160;
  const { service, metric, stop } = await startService(
    t,
    `
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}
processors:
  symbol_store: {}
  memory_limiter:
    {check_interval: 50ms, limit_mib: ${limitMib}, spike_limit_mib: 20, min_gc_interval_when_soft_limited: 500ms, min_gc_interval_when_hard_limited: 500ms}
exporters: {otlp_http: {endpoint: "${url}", compression: none, timeout: 5m}}
service:
  pipelines: {profiles: {receivers: [otlp], processors: [memory_limiter, symbol_store], exporters: [otlp_http]}}`,
  );
  const large = largeRequest();
  const small = encodeProfilesData(goodProfiles());
  const target = `http://127.0.0.1:${service.receiverPorts.get('otlp:http')}/v1development/profiles`;
  const headers = { 'content-type': 'application/x-protobuf' };
  const send = async (body: Uint8Array): Promise<{ status: number; text: string; retryAfter: string | null }> => {
    const response = await fetch(target, { method: 'POST', body, headers });
    return { status: response.status, text: await response.text(), retryAfter: response.headers.get('retry-after') };
  };
  let accepted = 0;
  let answer = await send(large);
  for (; answer.status === 200; answer = await send(large)) {
    accepted++;
    assert.ok(accepted < 500, 'a gigabyte was taken');
  }
  assert.equal(answer.status, 503);
  assert.match(answer.text, /data refused due to high memory usage; send it again later/);
  assert.ok(Number(answer.retryAfter) >= 2 && Number(answer.retryAfter) <= 8, String(answer.retryAfter));
  // A good part of what there was room for, and not far beyond.
  assert.ok(accepted * 2 > 60, `${accepted} requests were taken`);
  const used = await metric('framekeeper_memory_limiter_used_bytes{processor="memory_limiter"}');
  assert.ok(used < (limitMib + 150) * mib, `${used / mib} MiB are in use`);
  assert.ok((await metric('framekeeper_admission_refused_calls{pipeline="profiles",reason="memory"}')) >= 1);
  open();
  while ((await send(small)).status !== 200);
  await stop();
  t.diagnostic(
    `${accepted} requests of 2 MiB taken at a limit of ${limitMib} MiB; resident after all: ${Math.round(process.memoryUsage.rss() / mib)} MiB`,
  );
});

import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import type { RequestListener, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { MemorySource } from '../../../src/native/elf/byte-source.ts';
import { DebuginfodClient } from '../../../src/native/files/debuginfod.ts';
import { identify } from '../../../src/native/files/file-identity.ts';
import { createSymbolizerMetrics } from '../../../src/native/symbolizer-metrics.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { recordLogs } from '../../support/log-recorder.ts';
import { recordMetrics } from '../../support/metric-recorder.ts';
import { fixtureBytes } from '../open-fixture.ts';

const debugFile = fixtureBytes('shared.debug');
const buildId = identify(new MemorySource(debugFile))!.identity.gnuBuildId;
const otherFile = fixtureBytes('gcc-dwarf5.elf');

type Answer = (response: ServerResponse) => void;
const serve: Answer = (response) => void response.end(debugFile);
const notFound: Answer = (response) => void response.writeHead(404).end();
const busy: Answer = (response) => void response.writeHead(503).end();

/** A server that answers every request in the same way, and what it was asked. */
async function startServer(t: TestContext, answer: Answer) {
  const requests: string[] = [];
  let onRequest = (): void => {};
  const listener: RequestListener = ({ url = '' }, response) => {
    requests.push(url);
    answer(response);
    onRequest();
  };
  const server = createServer(listener);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const asked = new Promise<void>((resolve) => {
    onRequest = resolve;
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, requests, asked };
}

function createClient(t: TestContext, urls: readonly string[], { maxBytes = 1_000_000 } = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'framekeeper-debuginfod-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const cacheDirectory = join(directory, 'cache');
  const { meter, values } = recordMetrics();
  const clock = new FakeClock();
  const { logger } = recordLogs();
  const parts = { clock, logger, metrics: createSymbolizerMetrics(meter, () => 0) };
  const client = new DebuginfodClient({ urls, cacheDirectory, timeoutMs: 30_000, maxBytes }, parts);
  t.after(() => client.stop());
  const searches = async (outcome: string): Promise<number | undefined> =>
    (await values()).get(`framekeeper_symbolizer_debuginfod_searches{outcome="${outcome}"}`);
  const cached = (): string[] =>
    (existsSync(cacheDirectory) ? readdirSync(cacheDirectory, { recursive: true }) : []) as string[];
  return { client, clock, cacheDirectory, cached, searches };
}

test('a debug file is fetched by its build ID into the layout of elfutils', async (t) => {
  const server = await startServer(t, serve);
  const { client, cacheDirectory, cached, searches } = createClient(t, [server.url]);
  await client.fetch(buildId);
  assert.deepEqual(server.requests, [`/buildid/${buildId}/debuginfo`]);
  assert.deepEqual(cached().sort(), [buildId, `${buildId}/debuginfo`]);
  assert.deepEqual(readFileSync(`${cacheDirectory}/${buildId}/debuginfo`), debugFile);
  assert.equal(await searches('fetched'), 1);
});

test('servers are asked in their order until one has the file', async (t) => {
  const [absent, failing, having, last] = [
    await startServer(t, notFound),
    await startServer(t, busy),
    await startServer(t, serve),
    await startServer(t, serve),
  ];
  const { client, cached } = createClient(t, [absent.url, failing.url, having.url, last.url]);
  await client.fetch(buildId);
  assert.ok(cached().includes(`${buildId}/debuginfo`));
  assert.deepEqual(
    [absent, failing, having, last].map(({ requests }) => requests.length),
    [1, 1, 1, 0],
  );
});

for (const { name, outcome, answer } of [
  { name: 'that no server has', outcome: 'not_found', answer: notFound },
  {
    name: 'that is larger than its bound by its header',
    outcome: 'too_large',
    answer: (response) => void response.end(Buffer.alloc(40_000)),
  },
  {
    name: 'that is larger than its bound without saying so',
    outcome: 'too_large',
    answer: (response) => {
      for (let part = 0; part < 40; part++) response.write(Buffer.alloc(1_000));
      response.end();
    },
  },
  { name: 'of another build ID', outcome: 'build_id_differs', answer: (response) => void response.end(otherFile) },
  { name: 'that is no ELF file', outcome: 'build_id_differs', answer: (response) => void response.end('<html>') },
  {
    name: 'of a server that breaks off',
    outcome: 'failed',
    answer: (response) => void response.write('x', () => response.destroy()),
  },
  { name: 'of a server that is busy', outcome: 'failed', answer: busy },
] satisfies { name: string; outcome: string; answer: Answer }[]) {
  test(`a debug file ${name} leaves nothing in the cache and is asked for again after ten minutes`, async (t) => {
    const server = await startServer(t, answer);
    const { client, clock, cached, searches } = createClient(t, [server.url], { maxBytes: 30_000 });
    await client.fetch(buildId);
    assert.deepEqual(cached(), []);
    assert.equal(await searches(outcome), 1);
    await clock.advance(599_999);
    assert.ok(!client.isWorthAsking(buildId));
    await client.fetch(buildId);
    assert.equal(server.requests.length, 1);
    await clock.advance(1);
    await client.fetch(buildId);
    assert.equal(server.requests.length, 2);
  });
}

test('a server that is too slow is given up, and left alone for a minute', async (t) => {
  const slow = await startServer(t, (response) => void response.write(debugFile.subarray(0, 100)));
  const { client, clock, cached, searches } = createClient(t, [slow.url]);
  const search = client.fetch(buildId);
  await slow.asked;
  await clock.advance(30_000);
  await search;
  assert.deepEqual(cached(), []);
  assert.equal(await searches('timeout'), 1);
  const other = 'ab'.repeat(20);
  assert.ok(!client.isWorthAsking(other));
  await clock.advance(60_000);
  assert.ok(client.isWorthAsking(other));
});

test('a build ID that is not hexadecimal is not asked for', async (t) => {
  const server = await startServer(t, serve);
  const { client, cached } = createClient(t, [server.url]);
  for (const id of [
    '',
    'ab',
    '../../etc/passwd',
    `${buildId}/../x`,
    'AB'.repeat(20),
    'a'.repeat(41),
    'ab'.repeat(65),
  ]) {
    await client.fetch(id);
  }
  assert.deepEqual([server.requests, cached()], [[], []]);
});

test('one search is enough for all who want the same file at the same time', async (t) => {
  const server = await startServer(t, serve);
  const { client } = createClient(t, [server.url]);
  await Promise.all([client.fetch(buildId), client.fetch(buildId)]);
  assert.equal(server.requests.length, 1);
});

test('the files used longest ago leave the cache when it is larger than its bound, and no others', async (t) => {
  const server = await startServer(t, serve);
  const { client, cacheDirectory, cached } = createClient(t, [server.url], { maxBytes: debugFile.length + 1_500 });
  for (const [id, age] of [
    ['aa'.repeat(8), 2],
    ['bb'.repeat(8), 1],
  ] as const) {
    mkdirSync(`${cacheDirectory}/${id}`, { recursive: true });
    writeFileSync(`${cacheDirectory}/${id}/debuginfo`, Buffer.alloc(1_000));
    utimesSync(`${cacheDirectory}/${id}/debuginfo`, 1_000_000 - age, 1_000_000 - age);
  }
  writeFileSync(`${cacheDirectory}/max_unused_age_s`, '604800');
  await client.fetch(buildId);
  assert.deepEqual(
    cached().sort(),
    [buildId, `${buildId}/debuginfo`, 'bb'.repeat(8), `${'bb'.repeat(8)}/debuginfo`, 'max_unused_age_s'].sort(),
  );
});

test('a client that stops ends its downloads and leaves nothing of them', async (t) => {
  const slow = await startServer(t, (response) => void response.write(debugFile.subarray(0, 100)));
  const { client, cached } = createClient(t, [slow.url]);
  const search = client.fetch(buildId);
  await slow.asked;
  await client.stop();
  await search;
  assert.deepEqual(cached(), []);
});

test('the file that was just fetched stays, whatever the times of others say', async (t) => {
  const server = await startServer(t, serve);
  const { client, cacheDirectory, cached } = createClient(t, [server.url], { maxBytes: debugFile.length + 500 });
  const ofTomorrow = `${cacheDirectory}/${'aa'.repeat(8)}`;
  mkdirSync(ofTomorrow, { recursive: true });
  writeFileSync(`${ofTomorrow}/debuginfo`, Buffer.alloc(1_000));
  utimesSync(`${ofTomorrow}/debuginfo`, 4_000_000_000, 4_000_000_000);
  await client.fetch(buildId);
  assert.deepEqual(cached().sort(), [buildId, `${buildId}/debuginfo`]);
});

test('a search whose turn does not come in time is given up, and no server is blamed for it', async (t) => {
  const slow = await startServer(t, (response) => void response.write(debugFile.subarray(0, 100)));
  const { client, clock, searches } = createClient(t, [slow.url]);
  const running = ['aa', 'bb', 'cc', 'dd', 'ee'].map((byte) => client.fetch(byte.repeat(20)));
  await slow.asked;
  await clock.advance(30_000);
  await Promise.all(running);
  assert.deepEqual([await searches('timeout'), await searches('bounded_out')], [4, 1]);
  assert.ok(!slow.requests.some((path) => path.includes('eeee')));
});

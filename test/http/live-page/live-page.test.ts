import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { ConfigSection } from '../../../src/config/config-section.ts';
import { HttpServer } from '../../../src/http/http-server.ts';
import type { LiveData } from '../../../src/http/live-page/cycle-history.ts';
import type { LiveCycle } from '../../../src/http/live-page/live-cycle.ts';
import type { LivePageParts } from '../../../src/http/live-page/live-page.ts';
import { LivePage } from '../../../src/http/live-page/live-page.ts';
import { livePageTable } from '../../../src/http/live-page/live-page-config.ts';
import type { PassedRequest, RequestFolder } from '../../../src/http/live-page/passed-requests.ts';
import { encodeProfilesData } from '../../../src/otlp/protobuf/encode-profiles-data.ts';
import { foldFlameTrees } from '../../../src/profile/flame/flame-graph.ts';
import type { FlameTree } from '../../../src/profile/flame/flame-tree.ts';
import { profileTypeKey } from '../../../src/profile/flame/flame-tree.ts';
import { requestFolder } from '../../../src/service/live-report.ts';
import { atOnce } from '../../../src/support/steps.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { foldedStacks } from '../../support/flame-paths.ts';
import { exchange, plainParts, serve, silentLogger } from '../../support/http-harness.ts';
import { recordMetrics } from '../../support/metric-recorder.ts';
import { patienceMs } from '../../support/patience.ts';
import type { FixtureSample } from '../../support/profiles-fixture.ts';
import { profilesOf } from '../../support/profiles-fixture.ts';

const facts = { version: '1.2.3', receivers: [{ id: 'frames', endpoint: 'localhost:4317' }] };

function createPage(keys: object = {}, parts: Partial<LivePageParts> = {}): LivePage {
  const config = livePageTable.read(new ConfigSection('extensions.live_page', keys, []));
  const meter = new MeterProvider().getMeter('test');
  const createFolder = () => requestFolder(config.maxNodes);
  return new LivePage('live_page', config, facts, { meter, nowMs: () => 0, createFolder, ...parts });
}

function cycleOf(samples: readonly FixtureSample[], endUnixMs = 1000, sampleType = 'samples'): LiveCycle {
  const store = { symbolCount: 1, fileCount: 2, stubCount: 3, sizeBytes: undefined, budgetBytes: undefined };
  const figures = {
    windowMs: 5000,
    sampleCount: samples.length,
    cycleMs: 1.5,
    store,
    unresolvedFrames: { evicted: 1 },
  };
  return { endUnixMs, flame: atOnce(foldFlameTrees(profilesOf(samples, sampleType), 1000)), figures };
}

const inMain = (service: string): FixtureSample => ({ service, stack: [{ names: ['main'] }] });

type Answer = LiveData & { tree: FlameTree; error: string };

async function read(base: string, query = '') {
  const response = await fetch(`${base}/live/data.json${query}`);
  return { code: response.status, body: (await response.json()) as Answer };
}

test('the live page has every file that it asks for, with its type', async (context) => {
  const base = await serve(context, createPage());
  const pages = ['', '/style.css', '/app.js'];
  for (const page of pages) {
    const response = await fetch(`${base}/live${page}`);
    const text = await response.text();
    assert.equal(response.status, 200, page);
    const type = page.endsWith('.css') ? 'text/css' : page.endsWith('.js') ? 'text/javascript' : 'text/html';
    assert.equal(response.headers.get('content-type'), `${type}; charset=utf-8`);
    assert.doesNotMatch(text, /\{\{path|https?:\/\/(?!www\.w3\.org)|innerHTML|style="/);
    for (const [, name] of text.matchAll(/from '\.\/([\w-]+\.js)'/g))
      if (!pages.includes(`/${name}`)) pages.push(`/${name}`);
  }
  assert.ok(pages.length > 8);
});

test('the live page lets nothing run that it did not bring', async (context) => {
  const base = await serve(context, createPage());
  for (const page of ['', '/app.js', '/data.json']) {
    const { headers } = await fetch(`${base}/live${page}`);
    assert.match(headers.get('content-security-policy')!, /^default-src 'none'; script-src 'self'; style-src 'self';/);
    assert.doesNotMatch(headers.get('content-security-policy')!, /unsafe|\*/);
    assert.equal(headers.get('x-content-type-options'), 'nosniff');
    assert.equal(headers.get('cross-origin-resource-policy'), 'same-origin');
  }
});

for (const [host, code] of [
  ['localhost:1', 200],
  ['127.0.0.1', 200],
  ['[::1]:1', 200],
  ['app.localhost', 200],
  ['attacker.example', 403],
  ['localhost.attacker.example', 403],
] as const) {
  test(`the live page answers ${code} to a browser that calls it ${host}`, async (context) => {
    const base = await serve(context, createPage());
    for (const page of ['', '/data.json']) {
      const answer = await exchange(base, `GET /live${page} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
      assert.match(answer, new RegExp(`^HTTP/1.1 ${code} `));
    }
  });
}

test('the live page answers under another path', async (context) => {
  const base = await serve(context, createPage({ path: '/a/flames' }));
  assert.match(await (await fetch(`${base}/a/flames`)).text(), /src="\/a\/flames\/app.js"/);
  assert.equal((await fetch(`${base}/a/flames/`, { redirect: 'manual' })).headers.get('location'), '/a/flames');
  assert.equal((await fetch(`${base}/live`)).status, 404);
});

test('data.json says where to send samples while there are none', async (context) => {
  const base = await serve(context, createPage());
  assert.deepEqual((await read(base)).body, {
    ...facts,
    maxCycles: 12,
    endUnixMs: null,
    figures: null,
    keptCycles: 0,
    coveredMs: 0,
    types: [],
    services: [],
    omittedSampleCount: 0,
    waitingSampleCount: 0,
    typeKey: '',
    service: '',
    tree: null,
  });
});

test('data.json joins the cycles asked for, of one service or of all', async (context) => {
  const page = createPage({ cycles: 3 });
  const base = await serve(context, page);
  for (let count = 1; count <= 5; count++) page.addCycle(cycleOf([inMain('web'), inMain(`s${count}`)], count));
  const { body } = await read(base);
  assert.deepEqual(foldedStacks(body.tree), { 'web;main': 3, 's3;main': 1, 's4;main': 1, 's5;main': 1 });
  assert.deepEqual([body.keptCycles, body.coveredMs, body.endUnixMs], [3, 15_000, 5]);
  assert.deepEqual(body.services, ['s3', 's4', 's5', 'web']);
  assert.deepEqual(foldedStacks((await read(base, '?cycles=1')).body.tree), { 'web;main': 1, 's5;main': 1 });
  assert.deepEqual(foldedStacks((await read(base, '?service=web&cycles=2')).body.tree), { 'web;main': 2 });
  page.addCycle(cycleOf([inMain('new')]));
  assert.deepEqual(foldedStacks((await read(base, '?cycles=1')).body.tree), { 'new;main': 1 });
});

test('data.json tells profile types apart and begins with the CPU', async (context) => {
  const page = createPage();
  const base = await serve(context, page);
  page.addCycle(cycleOf([inMain('a')], 1, 'samples'));
  page.addCycle(cycleOf([inMain('b'), inMain('b')], 2, 'events'));
  const { body } = await read(base);
  assert.deepEqual(body.types.map(profileTypeKey), [
    'samples:count:cpu:nanoseconds:10000000',
    'events:count:cpu:nanoseconds:10000000',
  ]);
  assert.equal(body.typeKey, body.types[0]!.key);
  const events = await read(base, `?type=${encodeURIComponent(body.types[1]!.key)}`);
  assert.deepEqual(foldedStacks(events.body.tree), { 'b;main': 2 });
  assert.equal((await read(base, '?type=gone')).body.tree, null);
});

for (const query of ['?cycles=0', '?cycles=13', '?cycles=x', '?cycles=1&cycles=2', '?type=a&type=b']) {
  test(`data.json refuses ${query}`, async (context) => {
    const { code, body } = await read(await serve(context, createPage()), query);
    assert.equal(code, 400);
    assert.match(body.error, /write/);
  });
}

test('data.json keeps to max_nodes although the cycles together have more', async (context) => {
  const page = createPage({ max_nodes: 100 });
  const base = await serve(context, page);
  for (let count = 0; count < 12; count++) {
    page.addCycle(cycleOf(Array.from({ length: 40 }, (_, index) => inMain(`s${count * 40 + index}`))));
  }
  const { body } = await read(base);
  assert.ok(body.tree.parents.length <= 100);
  assert.ok(body.tree.foldedNodes > 800);
  assert.equal(
    body.tree.selfValues.reduce((sum, value) => sum + value, 0),
    480,
  );
});

test('events tells every cycle, and ends when the server stops', async (context: TestContext) => {
  const page = createPage();
  const tools = { clock: new FakeClock(), logger: silentLogger, meter: new MeterProvider().getMeter('test') };
  const server = new HttpServer(plainParts({ host: '127.0.0.1', port: 0 }, [page]), tools);
  await server.start();
  const response = await fetch(`http://127.0.0.1:${server.address.port}/live/events`, { signal: context.signal });
  assert.equal(response.headers.get('content-type'), 'text/event-stream');
  page.addCycle(cycleOf([], 7));
  await server.stop(AbortSignal.timeout(patienceMs));
  assert.equal(await response.text(), 'retry: 2000\n\nevent: cycle\ndata: {"endUnixMs":7}\n\n');
});

test('events sends further clients away, and has room again when one leaves', async (context) => {
  const base = await serve(context, createPage());
  const leave = new AbortController();
  const open = (signal?: AbortSignal) => fetch(`${base}/live/events`, signal ? { signal } : {});
  const responses = [await open(leave.signal)];
  for (let count = 1; count < 16; count++) responses.push(await open());
  const refused = await open();
  assert.deepEqual([refused.status, refused.headers.get('retry-after')], [503, '10']);
  leave.abort();
  for (;;) {
    const again = await open();
    if (again.status === 200) break;
    await again.text();
  }
});

test('livePageTable.read reads its keys and refuses what cannot be', () => {
  const problems: { path: string }[] = [];
  const read = (keys: object) => livePageTable.read(new ConfigSection('live_page', keys, problems as never));
  assert.deepEqual(read({}), {
    endpoint: { host: 'localhost', port: 13133 },
    tls: undefined,
    allowedHosts: [],
    authenticator: '',
    path: '/live',
    cycles: 12,
    maxNodes: 20_000,
    maxPassedBytes: 8_388_608,
  });
  for (const keys of [
    { max_passed_bytes: -1 },
    { path: '/' },
    { path: '/a/' },
    { cycles: 0 },
    { max_nodes: 1 },
    { cycle: 1 },
  ])
    read(keys);
  assert.deepEqual(
    problems.map(({ path }) => path),
    [
      'live_page.max_passed_bytes',
      'live_page.path',
      'live_page.path',
      'live_page.cycles',
      'live_page.max_nodes',
      'live_page.cycle',
    ],
  );
});

const passedOf = (samples: readonly FixtureSample[]): PassedRequest => ({
  bytes: encodeProfilesData(profilesOf(samples)),
  sampleCount: samples.length,
  unresolvedFrames: { 'native never_submitted': 2 },
});

test('a request that passes is drawn at once, and with the cycle in whose time it passed', async (context) => {
  const page = createPage({ cycles: 3 });
  const base = await serve(context, page);
  page.addPassed(passedOf([inMain('web'), inMain('db')]));
  const first = (await read(base)).body;
  assert.deepEqual(foldedStacks(first.tree), { 'web;main': 1, 'db;main': 1 });
  assert.deepEqual([first.figures, first.waitingSampleCount, first.services], [null, 0, ['db', 'web']]);
  page.addPassed(passedOf([inMain('web')]));
  page.addCycle(cycleOf([inMain('web')], 7));
  const second = (await read(base)).body;
  assert.deepEqual(foldedStacks(second.tree), { 'web;main': 3, 'db;main': 1 });
  const unresolvedFrames = { 'native never_submitted': 4 };
  assert.deepEqual(second.figures?.passed, { requestCount: 2, sampleCount: 3, unresolvedFrames });
  assert.equal(second.figures?.sampleCount, 1);
  for (let count = 8; count < 11; count++) page.addCycle(cycleOf([inMain('late')], count));
  assert.deepEqual(foldedStacks((await read(base)).body.tree), { 'late;main': 3 });
});

test('nothing of a request is looked at before somebody asks, and then once', async (context) => {
  let foldedCount = 0;
  const createFolder = (): RequestFolder => {
    const folder = requestFolder(1000);
    return {
      add: (bytes) => {
        foldedCount++;
        folder.add(bytes);
      },
      build: () => folder.build(),
    };
  };
  const page = createPage({}, { createFolder });
  const base = await serve(context, page);
  for (let i = 0; i < 5; i++) page.addPassed(passedOf([inMain('web')]));
  page.addCycle(cycleOf([], 1));
  page.addPassed(passedOf([inMain('web')]));
  assert.equal(foldedCount, 0);
  for (const query of ['', '?cycles=1', '?service=web']) await read(base, query);
  assert.equal(foldedCount, 6);
});

test('requests wait within max_passed_bytes; the oldest go, and their samples are counted', async (context) => {
  const { meter, values } = recordMetrics();
  const { length } = passedOf([inMain('s0')]).bytes;
  const page = createPage({ max_passed_bytes: 3 * length }, { meter });
  const base = await serve(context, page);
  for (let i = 0; i < 3; i++) page.addPassed(passedOf([inMain(`s${i}`)]));
  page.addCycle(cycleOf([], 1));
  for (let i = 3; i < 5; i++) page.addPassed(passedOf([inMain(`s${i}`)]));
  const { body } = await read(base);
  assert.deepEqual(body.services, ['s2', 's3', 's4']);
  assert.equal(body.omittedSampleCount, 2);
  assert.equal((await values()).get('framekeeper_live_page_skipped_samples{}'), 2);
  // What was drawn takes no room any more.
  for (let i = 5; i < 8; i++) page.addPassed(passedOf([inMain(`s${i}`)]));
  assert.equal((await read(base)).body.services.length, 6);
});

test('an answer folds the newest requests for 50 ms, and the next one goes on', async (context) => {
  let nowMs = 0;
  const page = createPage({}, { nowMs: () => (nowMs += 20) });
  const base = await serve(context, page);
  for (let i = 0; i < 8; i++) page.addPassed(passedOf([inMain(`s${i}`)]));
  const { body } = await read(base);
  assert.deepEqual(body.services, ['s5', 's6', 's7']);
  assert.equal(body.waitingSampleCount, 5);
  assert.deepEqual((await read(base)).body.services, ['s2', 's3', 's4', 's5', 's6', 's7']);
  const last = (await read(base)).body;
  assert.deepEqual([last.services.length, last.waitingSampleCount], [8, 0]);
});

test('events tells of requests that pass, no oftener than of cycles', async (context: TestContext) => {
  let nowMs = 0;
  const page = createPage({}, { nowMs: () => nowMs });
  const tools = { clock: new FakeClock(), logger: silentLogger, meter: new MeterProvider().getMeter('test') };
  const server = new HttpServer(plainParts({ host: '127.0.0.1', port: 0 }, [page]), tools);
  await server.start();
  const response = await fetch(`http://127.0.0.1:${server.address.port}/live/events`, { signal: context.signal });
  for (nowMs of [0, 4999, 9000, 9999, 10_000]) {
    if (nowMs === 9000) page.addCycle(cycleOf([], 7));
    page.addPassed(passedOf([inMain('web')]));
  }
  nowMs = 14_000;
  page.addPassed(passedOf([inMain('web')]));
  await server.stop(AbortSignal.timeout(patienceMs));
  const told = [...(await response.text()).matchAll(/event: (\w+)/g)].map(([, event]) => event);
  assert.deepEqual(told, ['passed', 'cycle', 'passed']);
});

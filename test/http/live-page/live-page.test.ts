import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { ConfigSection } from '../../../src/config/config-section.ts';
import { HttpServer } from '../../../src/http/http-server.ts';
import type { LiveCycle, PassedRequest } from '../../../src/http/live-page/live-cycle.ts';
import { livePageTable } from '../../../src/http/live-page/live-page-config.ts';
import { decodeProfilesData } from '../../../src/otlp/protobuf/decode-profiles-data.ts';
import { encodeProfilesData } from '../../../src/otlp/protobuf/encode-profiles-data.ts';
import { decodePprof } from '../../../src/profile/formats/decode-pprof.ts';
import type { TreeAnswer } from '../../../src/profile/history/value-tree.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { exchange, plainParts, serve, silentLogger } from '../../support/http-harness.ts';
import { createLivePage as createPage, liveCycleOf, livePageFacts } from '../../support/live-page.ts';
import { recordMetrics } from '../../support/metric-recorder.ts';
import { patienceMs } from '../../support/patience.ts';
import type { FixtureSample } from '../../support/profiles-fixture.ts';
import { profilesOf } from '../../support/profiles-fixture.ts';
import { treePaths } from '../../support/tree-paths.ts';

const cycleOf = (samples: readonly FixtureSample[], endUnixMs = 5000, sampleType = 'samples'): LiveCycle => {
  return liveCycleOf(profilesOf(samples, sampleType), endUnixMs, { sampleCount: samples.length });
};

const inMain = (service: string): FixtureSample => ({ service, stack: [{ names: ['main'] }] });

type Answer = TreeAnswer & Record<string, never> & { error: string; rows: { name: string; value: number }[] };

async function read(base: string, query: string) {
  const response = await fetch(`${base}/live/${query}`);
  return { code: response.status, headers: response.headers, body: (await response.json()) as Answer };
}

const pathsAt = async (base: string, query: string): Promise<object> => treePaths((await read(base, query)).body);

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
  assert.ok(pages.length > 8, `${pages}`);
});

test('the live page lets nothing run that it did not bring', async (context) => {
  const base = await serve(context, createPage());
  for (const page of ['', '/app.js', '/state', '/tree', '/profile']) {
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
    for (const page of ['', '/state']) {
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

test('the state says where to send samples while there are none', async (context) => {
  const base = await serve(context, createPage());
  const { history, ...state } = (await read(base, 'state')).body as never as { history: object };
  assert.deepEqual(state, {
    ...livePageFacts,
    maxNodes: 20_000,
    shownCycles: 12,
    endUnixMs: null,
    startUnixMs: null,
    figures: null,
    types: [],
  });
  assert.deepEqual((await read(base, 'tree')).body.parents, [-1]);
});

test('queries without a time read the newest cycles, others the range that they ask for', async (context) => {
  const page = createPage({ cycles: 2 });
  const base = await serve(context, page);
  for (let count = 1; count <= 5; count++) page.addCycle(cycleOf([inMain('web'), inMain(`s${count}`)], 5000 * count));
  const { body } = await read(base, 'tree');
  assert.deepEqual(treePaths(body), { 'web;main': 2, 's4;main': 1, 's5;main': 1 });
  assert.deepEqual([body.startUnixMs, body.endUnixMs, body.coveredMs, body.total], [15_000, 25_000, 10_000, 4]);
  assert.deepEqual(await pathsAt(base, 'tree?seconds=5'), { 'web;main': 1, 's5;main': 1 });
  assert.deepEqual(await pathsAt(base, 'tree?from=0&to=5'), { 'web;main': 1, 's1;main': 1 });
  assert.deepEqual(await pathsAt(base, 'tree?from=-15s&to=-10s'), { 'web;main': 1, 's3;main': 1 });
  assert.deepEqual(await pathsAt(base, 'tree?from=1970-01-01T00:00:05Z&to=10&service=web'), { 'web;main': 1 });
});

test('profile types are told apart, and queries begin with the CPU', async (context) => {
  const page = createPage();
  const base = await serve(context, page);
  page.addCycle(cycleOf([inMain('b'), inMain('b')], 5000, 'events'));
  page.addCycle(cycleOf([inMain('a')], 10_000));
  const { types } = (await read(base, 'state')).body as never as { types: { key: string }[] };
  const keys = ['events:count:cpu:nanoseconds:10000000', 'samples:count:cpu:nanoseconds:10000000'];
  assert.deepEqual(
    types.map(({ key }) => key),
    keys,
  );
  assert.deepEqual(await pathsAt(base, `tree?type=${keys[1]}`), { 'a;main': 1 });
  assert.deepEqual(await pathsAt(base, 'tree?type=events'), { 'b;main': 2 });
  assert.deepEqual(await pathsAt(base, 'tree?type=gone'), {});
});

for (const [query, error] of [
  ['tree?from=yesterday', 'from: is "yesterday"; write -5m, Unix seconds, milliseconds, or 2026-11-30T12:00:00Z.'],
  ['tree?from=9&to=5', 'from: is "9"; write a time before that of "to".'],
  [
    'tree?by=colour',
    'by: is "colour"; write one of service, process, thread, container, host, executable, frame_type, none.',
  ],
  ['tree?nodes=0', 'nodes: is "0"; write a whole number from 1 to 20000.'],
  ['tree?path=a/b', 'path: is "a/b"; write the keys of frames with dots between them.'],
  ['tree?service=a&service=b', 'service: is "a, b"; write it once.'],
  ['tree?servce=a', 'servce: is "a"; did you mean service.'],
  ['table?order=name', 'order: is "name"; write one of self, total.'],
  ['sandwich', 'function: is ""; write the key or the name of a function.'],
  ['timeline?points=x', 'points: is "x"; write a whole number from 1 to 1000.'],
  ['list?rows=99999', 'rows: is "99999"; write a whole number from 1 to 20000.'],
  ['diff?base_seconds=-1', 'base_seconds: is "-1"; write a whole number from 0 to 86400.'],
] as const) {
  test(`${query} is refused with parameter, value and remedy`, async (context) => {
    const { code, body } = await read(await serve(context, createPage()), query);
    assert.deepEqual([code, body.error], [400, error]);
  });
}

test('answers are compressed, have an ETag, and are not computed again for who has them', async (context) => {
  const page = createPage();
  const base = await serve(context, page);
  page.addCycle(cycleOf(Array.from({ length: 100 }, (_, index) => inMain(`service number ${index}`))));
  const first = await fetch(`${base}/live/tree`);
  await first.text();
  assert.equal(first.headers.get('content-encoding'), 'gzip');
  assert.equal(first.headers.get('cache-control'), 'private, no-cache');
  const headers = { 'if-none-match': first.headers.get('etag')! };
  assert.equal((await fetch(`${base}/live/tree`, { headers })).status, 304);
  assert.equal((await fetch(`${base}/live/tree?by=none`, { headers })).status, 200);
  const plain = await fetch(`${base}/live/tree`, { headers: { 'accept-encoding': 'identity' } });
  assert.equal(plain.headers.get('content-encoding'), null);
  page.addCycle(cycleOf([inMain('new')], 10_000));
  assert.equal((await fetch(`${base}/live/tree`, { headers })).status, 200);
  const old = { 'if-none-match': (await fetch(`${base}/live/tree?from=0&to=5`)).headers.get('etag')! };
  page.addCycle(cycleOf([inMain('new')], 15_000));
  assert.equal((await fetch(`${base}/live/tree?from=0&to=5`, { headers: old })).status, 304, 'a past range stays');
});

test('table, list, timeline, sandwich and comparison answer', async (context) => {
  const page = createPage();
  const base = await serve(context, page);
  page.addCycle(cycleOf([inMain('a'), inMain('b')]));
  page.addCycle(cycleOf([inMain('a')], 10_000));
  const table = (await read(base, 'table')).body as never as { frames: { name: string[] }; selfs: number[] };
  assert.deepEqual([table.frames.name, table.selfs], [['main'], [3]]);
  const { rows } = (await read(base, 'list?seconds=5')).body;
  assert.deepEqual(
    rows.map(({ name, value }) => [name, value]),
    [
      ['a', 1],
      ['b', 0],
    ],
  );
  const timeline = (await read(base, 'timeline?service=a')).body as never as { values: number[] };
  assert.deepEqual(timeline.values, [1, 1]);
  const { sandwich } = (await read(base, 'sandwich?function=main')).body as never as { sandwich: { total: number } };
  assert.equal(sandwich.total, 3);
  const nobody = (await read(base, 'sandwich?function=nobody')).body as never as { sandwich: null };
  assert.equal(nobody.sandwich, null);
  const before = (await read(base, 'diff?seconds=5')).body as never as { total: number; base: { total: number } };
  assert.deepEqual([before.total, before.base.total], [1, 2]);
  const services = (await read(base, 'diff?service=a&base_service=b')).body;
  assert.deepEqual(
    [services.totals, services.baseTotals],
    [
      [2, 2],
      [1, 1],
    ],
  );
});

test('profile gives the selection as pprof, folded, speedscope, SVG and OTLP', async (context) => {
  const page = createPage();
  const base = await serve(context, page);
  page.addCycle(cycleOf([inMain('web/1'), inMain('db'), inMain('db')]));
  const get = async (query: string) => {
    const response = await fetch(`${base}/live/profile?${query}`);
    assert.equal(response.status, 200, query);
    const name = /filename="([\w.-]+)"/.exec(response.headers.get('content-disposition')!)![1]!;
    return { bytes: new Uint8Array(await response.arrayBuffer()), name };
  };
  const pprof = await get('seconds=30&service=db');
  const profile = decodePprof(gunzipSync(pprof.bytes));
  assert.deepEqual(
    profile.samples.map(({ values }) => values),
    [[2n, 20_000_000n]],
  );
  assert.equal(pprof.name, 'framekeeper-db-19700101T000005.pb.gz');
  const folded = await get('format=folded');
  assert.equal(new TextDecoder().decode(folded.bytes), 'web/1;main 1\ndb;main 2\n');
  assert.match(
    new TextDecoder().decode((await get('format=speedscope&service=web/1')).bytes),
    /"exporter":"framekeeper@1\.2\.3"/,
  );
  assert.match(new TextDecoder().decode((await get('format=svg&by=none')).bytes), /^<\?xml/);
  assert.equal(decodeProfilesData((await get('format=otlp')).bytes).resourceProfiles.length, 2);
});

test('a download that cannot be made says why, as go tool pprof reads it', async (context) => {
  const page = createPage();
  const base = await serve(context, page);
  for (const [query, code, text] of [
    ['format=png', 400, 'format: is "png"; write one of pprof, folded, speedscope, svg, otlp, otlp-json.\n'],
    [
      'by=colour',
      400,
      'by: is "colour"; write some of service, process, thread, container, host, executable, with commas, or none.\n',
    ],
    ['', 404, 'no sample of this type is in the history; leave the type out, or wait\n'],
  ] as const) {
    const response = await fetch(`${base}/live/profile?${query}`);
    assert.deepEqual([response.status, await response.text()], [code, text]);
    assert.equal(response.headers.get('x-go-pprof'), '1');
    assert.equal(response.headers.get('content-type'), 'text/plain; charset=utf-8');
  }
});

test('a ninth query at a time is refused and counted; the others are answered', async (context) => {
  const { meter, values } = recordMetrics();
  let nowMs = 0;
  const page = createPage({}, { meter, nowMs: () => (nowMs += 9) });
  const base = await serve(context, page);
  page.addCycle(cycleOf(Array.from({ length: 9000 }, (_, index) => inMain(`s${index}`))));
  const codes = await Promise.all(
    Array.from({ length: 24 }, async (_, index) => {
      const response = await fetch(`${base}/live/tree?nodes=${index + 1}`);
      await response.text();
      return response.status;
    }),
  );
  const refused = codes.filter((code) => code === 503).length;
  assert.ok(refused > 0 && codes.filter((code) => code === 200).length >= 8, `${codes}`);
  assert.equal((await values()).get('framekeeper_live_page_refused_queries{}'), refused);
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
    maxHistoryBytes: 67_108_864,
    maxPassedBytes: 8_388_608,
  });
  for (const keys of [
    { max_passed_bytes: -1 },
    { path: '/' },
    { path: '/a/' },
    { cycles: 0 },
    { max_history_mib: 0 },
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
      'live_page.max_history_mib',
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
  let unixMs = 1000;
  const page = createPage({ cycles: 1 }, { unixMs: () => unixMs });
  const base = await serve(context, page);
  page.addPassed(passedOf([inMain('web'), inMain('db')]));
  assert.deepEqual(await pathsAt(base, 'tree'), { 'web;main': 1, 'db;main': 1 });
  unixMs = 4000;
  page.addPassed(passedOf([inMain('web')]));
  page.addCycle(cycleOf([inMain('web')], 5000));
  assert.deepEqual(await pathsAt(base, 'tree'), { 'web;main': 3, 'db;main': 1 });
  const { figures } = (await read(base, 'state')).body as never as { figures: { passed: object; sampleCount: number } };
  const unresolvedFrames = { 'native never_submitted': 4 };
  assert.deepEqual(figures.passed, { requestCount: 2, sampleCount: 3, unresolvedFrames });
  assert.equal(figures.sampleCount, 1);
  page.addCycle(cycleOf([inMain('late')], 10_000));
  assert.deepEqual(await pathsAt(base, 'tree'), { 'late;main': 1 });
});

test('nothing of a request is looked at before somebody asks, and then once', async (context) => {
  let decodedCount = 0;
  const decode = (bytes: Uint8Array) => {
    decodedCount++;
    return decodeProfilesData(bytes);
  };
  const page = createPage({}, { decode });
  const base = await serve(context, page);
  for (let i = 0; i < 5; i++) page.addPassed(passedOf([inMain('web')]));
  page.addCycle(cycleOf([], 5000));
  page.addPassed(passedOf([inMain('web')]));
  assert.equal(decodedCount, 0);
  for (const query of ['tree', 'table', 'profile?format=folded']) await fetch(`${base}/live/${query}`);
  assert.equal(decodedCount, 6);
});

test('a large request is read in parts; what no part holds is counted', async (context) => {
  const { meter, values } = recordMetrics();
  const large = Uint8Array.of(...passedOf([inMain('web')]).bytes);
  const padding = new Uint8Array(600_000);
  // An unknown field of many bytes.
  padding.set([0x82, 0x7d, 0xba, 0xcf, 0x24]);
  const bytes = Buffer.concat([large, padding]);
  const part = passedOf([inMain('web')]).bytes;
  let answer: { parts: Uint8Array[]; leftOutSampleCount: number } | undefined = {
    parts: [part, part],
    leftOutSampleCount: 3,
  };
  const divided: Uint8Array[] = [];
  const divide = async (whole: Uint8Array) => {
    divided.push(whole);
    return answer;
  };
  const decode = (one: Uint8Array) => {
    assert.notEqual(one, bytes, 'a large request is not read at once');
    return decodeProfilesData(one);
  };
  const page = createPage({}, { meter, divide, decode });
  const base = await serve(context, page);
  page.addCycle(cycleOf([], 5000));
  page.addPassed({ bytes, sampleCount: 5, unresolvedFrames: {} });
  page.addPassed(passedOf([inMain('db')]));
  assert.deepEqual(await pathsAt(base, 'tree'), { 'web;main': 2, 'db;main': 1 });
  assert.deepEqual(divided, [bytes]);
  assert.equal((await values()).get('framekeeper_live_page_skipped_samples{}'), 3);
  answer = undefined;
  page.addPassed({ bytes, sampleCount: 5, unresolvedFrames: {} });
  assert.deepEqual(await pathsAt(base, 'tree'), { 'web;main': 2, 'db;main': 1 });
  assert.equal((await values()).get('framekeeper_live_page_skipped_samples{}'), 8);
});

test('requests wait within max_passed_bytes; the oldest go, and their samples are counted', async (context) => {
  const { meter, values } = recordMetrics();
  const { length } = passedOf([inMain('s0')]).bytes;
  const page = createPage({ max_passed_bytes: 3 * length }, { meter, unixMs: () => 5000 });
  const base = await serve(context, page);
  for (let i = 0; i < 3; i++) page.addPassed(passedOf([inMain(`s${i}`)]));
  page.addCycle(cycleOf([], 5000));
  for (let i = 3; i < 5; i++) page.addPassed(passedOf([inMain(`s${i}`)]));
  assert.deepEqual(Object.keys(await pathsAt(base, 'tree')).sort(), ['s2;main', 's3;main', 's4;main']);
  assert.equal((await values()).get('framekeeper_live_page_skipped_samples{}'), 2);
  // What was drawn takes no room any more.
  for (let i = 5; i < 8; i++) page.addPassed(passedOf([inMain(`s${i}`)]));
  assert.equal(Object.keys(await pathsAt(base, 'tree')).length, 6);
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

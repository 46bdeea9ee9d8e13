import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { after, before, test } from 'node:test';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { ConfigSection } from '../../src/config/config-section.ts';
import type { CycleFigures } from '../../src/http/live-page/live-cycle.ts';
import { LivePage } from '../../src/http/live-page/live-page.ts';
import { livePageTable } from '../../src/http/live-page/live-page-config.ts';
import { encodeProfilesData } from '../../src/otlp/protobuf/encode-profiles-data.ts';
import { foldFlameTrees } from '../../src/profile/flame/flame-graph.ts';
import { requestFolder } from '../../src/service/live-report.ts';
import { atOnce } from '../../src/support/steps.ts';
import { holdsSoon, launchBrowser, openPage, until, whyNoBrowser } from '../support/browser.ts';
import { serve } from '../support/http-harness.ts';
import type { FixtureFrame, FixtureSample } from '../support/profiles-fixture.ts';
import { profilesOf } from '../support/profiles-fixture.ts';

/** As `boxes()` of flame-view.js gives it. */
interface Box {
  readonly name: string;
  readonly class: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly isMatch: boolean;
  readonly fill: string;
}

interface LiveBrowser {
  readonly page: Page;
  readonly complaints: readonly string[];
  addCycle(samples: readonly FixtureSample[], figures?: Partial<CycleFigures>): void;
  /** As one OTLP request that is sent on by itself. */
  pass(samples: readonly FixtureSample[]): void;
}

let browser: Browser | undefined;
before(async () => {
  if (whyNoBrowser === false) browser = await launchBrowser();
});
after(() => browser?.close());

async function start(
  context: TestContext,
  samples: readonly FixtureSample[] | undefined,
  options: BrowserContextOptions = {},
  nowMs: () => number = () => performance.now(),
): Promise<LiveBrowser> {
  const config = livePageTable.read(new ConfigSection('live_page', {}, []));
  const facts = { version: '1.2.3', receivers: [{ id: 'frames', endpoint: 'localhost:4317' }] };
  const livePage = new LivePage('live_page', config, facts, {
    meter: new MeterProvider().getMeter('test'),
    nowMs,
    createFolder: () => requestFolder(config.maxNodes),
  });
  const base = await serve(context, livePage);
  let cycles = 0;
  const addCycle: LiveBrowser['addCycle'] = (added, figures = {}) => {
    const store = { symbolCount: 18_432, fileCount: 1207, stubCount: 1059, sizeBytes: 2 ** 25, budgetBytes: 2 ** 26 };
    const usual = { windowMs: 5000, sampleCount: added.length, cycleMs: 12.34, store, unresolvedFrames: {} };
    const flame = atOnce(foldFlameTrees(profilesOf(added), config.maxNodes));
    livePage.addCycle({ endUnixMs: 1_795_369_620_000 + 5000 * cycles++, flame, figures: { ...usual, ...figures } });
  };
  if (samples !== undefined) addCycle(samples);
  const opened = await openPage(browser!, `${base}/live`, options);
  context.after(() => opened.page.context().close());
  if (samples !== undefined) await until(opened.page, 'framekeeper.boxes().length > 0');
  const pass: LiveBrowser['pass'] = (passed) =>
    livePage.addPassed({
      bytes: encodeProfilesData(profilesOf(passed)),
      sampleCount: passed.length,
      unresolvedFrames: {},
    });
  return { ...opened, addCycle, pass };
}

const boxesOf = async (page: Page): Promise<Box[]> => (await page.evaluate('framekeeper.boxes()')) as Box[];

async function boxOf(page: Page, name: string): Promise<Box> {
  const box = (await boxesOf(page)).find((each) => each.name === name);
  assert.ok(box, `${name} is not drawn`);
  return box;
}

async function point(page: Page, name: string): Promise<{ x: number; y: number }> {
  const [canvas, box] = [await page.locator('#flame').boundingBox(), await boxOf(page, name)];
  return { x: canvas!.x + box.x + box.width / 2, y: canvas!.y + box.y + 10 };
}

/** Clicks again where the page has drawn itself anew between looking and clicking, as a person would. */
async function clickBox(page: Page, name: string): Promise<void> {
  const { width } = await boxOf(page, 'all services');
  const isZoomed = `framekeeper.boxes().some((box) => box.name === ${JSON.stringify(name)} && box.width === ${width})`;
  for (let tries = 0; tries < 5; tries++) {
    const { x, y } = await point(page, name);
    await page.mouse.click(x, y);
    if (await holdsSoon(page, isZoomed)) return;
  }
  assert.fail(`five clicks on ${name} did not zoom in`);
}

const kernel: FixtureFrame = { names: ['do_syscall_64'], type: 'kernel' };
const native: FixtureFrame = { names: ['main'], module: '/usr/bin/burn' };
const java: FixtureFrame = { names: ['int Work.rex()'], type: 'jvm' };
const stub: FixtureFrame = { names: ['StubRoutines (1)'], type: 'jvm' };
const python: FixtureFrame = { names: ['Work.run'], type: 'cpython', file: '/srv/work.py', startLine: 12 };
const unnamed: FixtureFrame = { module: '/usr/lib/libc.so.6', address: 0x26f00n };
const samples: FixtureSample[] = [
  { service: 'checkout', stack: [java, stub, unnamed], values: [40n] },
  { service: 'burn', stack: [kernel, native], values: [30n] },
  { service: 'jobs', stack: [python], values: [30n] },
];
const skip = whyNoBrowser;

test('the page shows what was reported, without a complaint', { skip }, async (context) => {
  const { page, complaints } = await start(context, samples);
  const boxes = await boxesOf(page);
  assert.deepEqual(
    boxes.map(({ name, class: frameClass }) => `${name}: ${frameClass}`),
    [
      'all services: root',
      'burn: service',
      'main: native',
      'do_syscall_64: kernel',
      'checkout: service',
      'libc.so.6+0x26f00: unresolved',
      'StubRoutines (1): stub',
      'int Work.rex(): managed',
      'jobs: service',
      'Work.run: interpreted',
    ],
  );
  const [root, checkout] = [await boxOf(page, 'all services'), await boxOf(page, 'checkout')];
  assert.ok(Math.abs(checkout.width / root.width - 0.4) < 0.001);
  assert.deepEqual(complaints, []);
});

for (const colorScheme of ['light', 'dark'] as const) {
  test(`the page paints six classes in six colours that the legend shows, ${colorScheme}`, {
    skip,
  }, async (context) => {
    const { page } = await start(context, samples, { colorScheme });
    const drawn = (await boxesOf(page)).filter((box) => !['root', 'service'].includes(box.class));
    assert.equal(new Set(drawn.map(({ fill }) => fill)).size, 6);
    const legend = await page.locator('#legend li').allInnerTexts();
    assert.deepEqual(
      legend.map((text) => text.replace(/\s+/g, ' ')),
      ['Kernel 30.0 %', 'Native 0.00 %', 'Managed 40.0 %', 'Interpreted 30.0 %', 'Stub 0.00 %', 'Unresolved 0.00 %'],
    );
    const keys = await page.evaluate(
      `[...document.querySelectorAll('#legend i')].map((each) => getComputedStyle(each).backgroundColor)`,
    );
    for (const [index, frameClass] of ['kernel', 'native', 'managed', 'interpreted', 'stub', 'unresolved'].entries()) {
      const color = drawn.find((box) => box.class === frameClass)!.fill;
      assert.ok(
        isNear(color, (keys as string[])[index]!),
        `${frameClass} is ${color}, its key ${(keys as string[])[index]}`,
      );
    }
  });
}

test('a click zooms, the breadcrumb and Escape lead back', { skip }, async (context) => {
  const { page } = await start(context, samples);
  await clickBox(page, 'StubRoutines (1)');
  const boxes = await boxesOf(page);
  assert.deepEqual(
    boxes.map(({ name }) => name),
    ['all services', 'checkout', 'libc.so.6+0x26f00', 'StubRoutines (1)', 'int Work.rex()'],
  );
  assert.deepEqual(await page.locator('#crumbs button').allInnerTexts(), [
    'All',
    'checkout',
    'libc.so.6+0x26f00',
    'StubRoutines (1)',
  ]);
  await page.getByRole('button', { name: 'checkout' }).click();
  assert.equal(await page.locator('#crumbs button[aria-current]').innerText(), 'checkout');
  await page.keyboard.press('Escape');
  await until(page, 'framekeeper.boxes().length === 10');
});

test('the pointer brings up name, place, frame type and values', { skip }, async (context) => {
  const { page } = await start(context, samples);
  const { x, y } = await point(page, 'Work.run');
  await page.mouse.move(x, y);
  const text = (await page.locator('#tip').innerText()).replace(/\s+/g, ' ');
  assert.equal(
    text,
    'Work.run /srv/work.py:12 Interpreted, frame type cpython Total 30 samples, 300 ms 30.0 % Self 30 samples, 300 ms 30.0 %',
  );
  await page.mouse.move(2, 2);
  await page.locator('#tip').waitFor({ state: 'hidden' });
});

test('search marks matches, says how much they are, and tells a broken expression', { skip }, async (context) => {
  const { page } = await start(context, samples);
  await page.keyboard.press('/');
  await page.keyboard.type('^work\\.|rex');
  assert.equal(await page.locator('#matched').innerText(), '70.0 % matched');
  assert.deepEqual(
    (await boxesOf(page)).filter(({ isMatch }) => isMatch).map(({ name }) => name),
    ['int Work.rex()', 'Work.run'],
  );
  await page.locator('#search').fill('(');
  assert.equal(await page.locator('#matched').innerText(), 'not a regular expression');
  await page.locator('#search').press('Escape');
  assert.equal(await page.locator('#search').inputValue(), '');
  assert.equal((await boxesOf(page)).filter(({ isMatch }) => isMatch).length, 0);
});

test('a new cycle arrives by itself, keeps the zoom, and waits while paused', { skip }, async (context) => {
  const { page, addCycle, complaints } = await start(context, samples);
  await clickBox(page, 'Work.run');
  addCycle([{ service: 'jobs', stack: [{ names: ['late'] }, python], values: [10n] }]);
  await until(page, `framekeeper.boxes().some(({ name }) => name === 'late')`);
  assert.equal(await page.locator('#crumbs button[aria-current]').innerText(), 'Work.run');
  await page.keyboard.press('p');
  addCycle([{ service: 'jobs', stack: [{ names: ['later'] }, python] }]);
  await page.getByText('1 newer').waitFor();
  assert.ok(!(await boxesOf(page)).some(({ name }) => name === 'later'));
  await page.getByRole('button', { name: 'Resume' }).click();
  await until(page, `framekeeper.boxes().some(({ name }) => name === 'later')`);
  assert.deepEqual(complaints, []);
});

test('requests that pass arrive by themselves, as many at a time as there is time for', { skip }, async (context) => {
  // Each look at the clock takes 30 ms and each request 5 s: one or two are folded an answer.
  let nowMs = 0;
  const { page, addCycle, pass, complaints } = await start(context, undefined, {}, () => (nowMs += 30));
  await page.getByRole('heading', { name: 'No samples yet' }).waitFor();
  for (const name of ['one', 'two', 'three', 'four', 'five', 'six']) {
    nowMs += 5000;
    pass([{ service: 'passing', stack: [{ names: [name] }] }]);
  }
  for (const name of ['six', 'one']) await until(page, `framekeeper.boxes().some((box) => box.name === '${name}')`);
  assert.doesNotMatch(await page.locator('#note').innerText(), /to be added/);
  addCycle(samples, { sampleCount: 4 });
  await page.getByText('10 in 5 s, 6 passed through').waitFor();
  addCycle([], { cycleMs: null });
  await page.getByText('requests pass through').waitFor();
  assert.deepEqual(complaints, []);
});

test('service, profile type and window can be chosen', { skip }, async (context) => {
  const { page, addCycle } = await start(context, samples);
  addCycle([{ service: 'burn', stack: [native] }]);
  await until(page, 'framekeeper.data().keptCycles === 2');
  assert.deepEqual(await page.locator('#type option').allInnerTexts(), ['cpu samples, 100 Hz']);
  await page.locator('#service').selectOption('checkout');
  await until(page, `!framekeeper.boxes().some(({ name }) => name === 'jobs')`);
  assert.equal((await boxOf(page, 'checkout')).width, (await boxesOf(page))[0]!.width);
  await page.locator('#service').selectOption('');
  await page.locator('#window').selectOption('1');
  await until(page, 'framekeeper.boxes().length === 3');
});

test('names of strangers stay text', { skip }, async (context) => {
  const evil = '<img src=x onerror="globalThis.hacked=1"><script>globalThis.hacked=1</script>\u202e\u0000{{path}}';
  const frame: FixtureFrame = { names: [evil], type: 'cpython', file: evil, module: evil };
  const { page, complaints } = await start(context, [{ service: evil, stack: [frame] }]);
  const canvas = (await page.locator('#flame').boundingBox())!;
  await page.mouse.move(canvas.x + 50, canvas.y + 50);
  assert.ok((await page.locator('#tip').innerText()).includes('<img src=x onerror='));
  await page.mouse.click(canvas.x + 50, canvas.y + 50);
  await page.locator('#crumbs button').nth(2).waitFor();
  await page.locator('#search').fill(evil);
  await page.locator('#service').selectOption({ index: 1 });
  await until(page, `framekeeper.data().service !== ''`);
  assert.equal(await page.evaluate('globalThis.hacked'), undefined);
  assert.equal(await page.locator('img, body script').count(), 0);
  assert.deepEqual(complaints, []);
});

test('the keyboard walks the graph and says where it is', { skip }, async (context) => {
  const { page } = await start(context, samples);
  await page.locator('#search').focus();
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate('document.activeElement.id'), 'flame');
  const spoken = () => page.locator('#spoken').innerText();
  assert.equal(await spoken(), 'All services, 100 %, 100 samples, 1 s, depth 0');
  await page.keyboard.press('ArrowDown');
  assert.equal(await spoken(), 'checkout, 40.0 %, 40 samples, 400 ms, depth 1');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowDown');
  assert.equal(await spoken(), 'Work.run, Interpreted, 30.0 %, 30 samples, 300 ms, depth 2');
  await page.keyboard.press('Enter');
  assert.equal(await page.locator('#crumbs button[aria-current]').innerText(), 'Work.run');
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('ArrowLeft');
  assert.equal(await spoken(), 'checkout, 40.0 %, 40 samples, 400 ms, depth 1');
  assert.equal(await page.locator('#crumbs button[aria-current]').innerText(), 'All');
});

test('the page says how to send samples while there are none, and the figures once there are', {
  skip,
}, async (context) => {
  const { page, addCycle, complaints } = await start(context, undefined);
  await page.getByRole('heading', { name: 'No samples yet' }).waitFor();
  assert.equal((await page.locator('#receivers').innerText()).replace(/\s+/g, ' '), 'frames localhost:4317');
  addCycle(samples, { sampleCount: 400, unresolvedFrames: { never_submitted: 40, evicted: 2, expired: 0 } });
  await page.locator('#flame').waitFor();
  const figures = (await page.locator('.figure').allInnerTexts()).map((text) => text.replace(/\s+/g, ' ').trim());
  assert.deepEqual(figures, [
    'Samples / s 80 400 in 5 s',
    'Last cycle 12.3 ms to build and hand over',
    'Symbols 18,432 in 1,207 files',
    'Store memory 32 MiB 50.0 % of 64 MiB',
    'Live stubs 1,059 resubmitted every cycle',
    'Unresolved frames 42 40 never submitted, 2 evicted',
  ]);
  assert.deepEqual(complaints, []);
});

test('a stack a thousand frames deep can be scrolled to its end', { skip }, async (context) => {
  const stack = Array.from({ length: 1000 }, (_, depth) => ({ names: [`f${depth}`] }));
  const { page } = await start(context, [{ service: 's', stack }]);
  await page.locator('#scroller').evaluate((element) => element.scrollTo(0, 1e6));
  await until(page, `framekeeper.boxes().some(({ name }) => name === 'f0')`);
});

function isNear(a: string, b: string): boolean {
  const [left, right] = [a, b].map((color) => [...color.matchAll(/\d+/g)].map(([part]) => Number(part)));
  return left!.every((part, index) => Math.abs(part - right![index]!) <= 45);
}

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import type { TestContext } from 'node:test';
import { after, before, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import type { CycleFigures } from '../../src/http/live-page/live-cycle.ts';
import type { LivePage } from '../../src/http/live-page/live-page.ts';
import { encodeProfilesData } from '../../src/otlp/protobuf/encode-profiles-data.ts';
import { decodePprof } from '../../src/profile/formats/decode-pprof.ts';
import { holdsSoon, launchBrowser, openPage, until, whyNoBrowser } from '../support/browser.ts';
import { serve } from '../support/http-harness.ts';
import { createLivePage, liveCycleOf } from '../support/live-page.ts';
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
  readonly base: string;
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

const beganMs = 1_795_369_620_000;

async function start(
  context: TestContext,
  samples: readonly FixtureSample[] | undefined,
  options: BrowserContextOptions & { readonly query?: string; readonly guard?: (page: LivePage) => LivePage } = {},
): Promise<LiveBrowser> {
  const { query = '', ...contextOptions } = options;
  let endMs = beganMs;
  const livePage = createLivePage({}, { nowMs: () => performance.now(), unixMs: () => endMs });
  const base = await serve(context, livePage);
  const addCycle: LiveBrowser['addCycle'] = (added, figures = {}) => {
    endMs += 5000;
    livePage.addCycle(liveCycleOf(profilesOf(added), endMs, { sampleCount: added.length, ...figures }));
  };
  if (samples !== undefined) addCycle(samples);
  const opened = await openPage(browser!, `${base}/live${query}`, contextOptions);
  context.after(() => opened.page.context().close());
  if (samples !== undefined) await until(opened.page, 'framekeeper.shown.answer !== undefined');
  const pass: LiveBrowser['pass'] = (passed) => {
    endMs += 1;
    const bytes = encodeProfilesData(profilesOf(passed));
    livePage.addPassed({ bytes, sampleCount: passed.length, unresolvedFrames: {} });
  };
  return { ...opened, base, addCycle, pass };
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
  const { width } = await boxOf(page, 'all');
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
const textOf = async (page: Page, selector: string): Promise<string> => {
  return (await page.locator(selector).innerText()).replace(/\s+/g, ' ').trim();
};
const textsOf = async (page: Page, selector: string): Promise<string[]> => {
  return (await page.locator(selector).allInnerTexts()).map((text) => text.replace(/\s+/g, ' ').trim());
};

test('the page shows what was reported, without a complaint', { skip }, async (context) => {
  const { page, complaints } = await start(context, samples);
  await until(page, 'framekeeper.boxes().length > 0');
  const boxes = await boxesOf(page);
  assert.deepEqual(
    boxes.map(({ name, class: frameClass }) => `${name}: ${frameClass}`),
    [
      'all: root',
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
  const [root, checkout] = [await boxOf(page, 'all'), await boxOf(page, 'checkout')];
  assert.ok(Math.abs(checkout.width / root.width - 0.4) < 0.001);
  assert.deepEqual(complaints, []);
});

for (const colorScheme of ['light', 'dark'] as const) {
  test(`the page paints six kinds in six colours that the legend shows, ${colorScheme}`, { skip }, async (context) => {
    const { page } = await start(context, samples, { colorScheme });
    await until(page, 'framekeeper.boxes().length > 0');
    const drawn = (await boxesOf(page)).filter((box) => !['root', 'service'].includes(box.class));
    assert.equal(new Set(drawn.map(({ fill }) => fill)).size, 6);
    assert.deepEqual(await textsOf(page, '#legend li'), ['Kernel 30.0 %', 'Managed 40.0 %', 'Interpreted 30.0 %']);
    await page.locator('#legend-of').selectOption('total');
    assert.deepEqual(await textsOf(page, '#legend li'), [
      'Kernel 30.0 %',
      'Native 30.0 %',
      'Managed 40.0 %',
      'Interpreted 30.0 %',
      'Stub 40.0 %',
      'Unresolved 40.0 %',
    ]);
    const keys = (await page.evaluate(
      `[...document.querySelectorAll('#legend i')].map((each) => getComputedStyle(each).backgroundColor)`,
    )) as string[];
    const kinds = ['kernel', 'native', 'managed', 'interpreted', 'stub', 'unresolved'];
    assert.deepEqual(
      keys,
      kinds.map((kind) => drawn.find((box) => box.class === kind)!.fill),
    );
  });
}

test('a click zooms, breadcrumb, Escape and the back button lead back', { skip }, async (context) => {
  const { page } = await start(context, samples);
  await clickBox(page, 'StubRoutines (1)');
  await until(page, 'framekeeper.boxes().length === 5');
  assert.deepEqual(
    (await boxesOf(page)).map(({ name }) => name),
    ['all', 'checkout', 'libc.so.6+0x26f00', 'StubRoutines (1)', 'int Work.rex()'],
  );
  // The graph is drawn first.
  await page.locator('#crumbs button').nth(3).waitFor();
  assert.deepEqual(await textsOf(page, '#crumbs button'), ['All', 'checkout', 'libc.so.6+0x26f00', 'StubRoutines (1)']);
  await page.locator('#crumbs').getByRole('button', { name: 'checkout' }).click();
  await page.locator('#crumbs button[aria-current]').getByText('checkout').waitFor();
  await page.keyboard.press('Escape');
  await until(page, 'framekeeper.boxes().length === 10');
  await page.goBack();
  await page.locator('#crumbs button[aria-current]').getByText('checkout').waitFor();
});

test('the pointer brings up name, place, frame type and values', { skip }, async (context) => {
  const { page } = await start(context, samples);
  await until(page, 'framekeeper.boxes().length > 0');
  const { x, y } = await point(page, 'Work.run');
  await page.mouse.move(x, y);
  assert.equal(
    await textOf(page, '#tip'),
    'Work.run /srv/work.py:12 Interpreted, frame type cpython Total 30 samples, 300 ms 30.0 % Self 30 samples, 300 ms 30.0 %',
  );
  await page.mouse.move(2, 2);
  await page.locator('#tip').waitFor({ state: 'hidden' });
});

test('search counts and lists its hits, goes from one to the next, and is no regular expression', {
  skip,
}, async (context) => {
  const { page } = await start(context, samples);
  await until(page, 'framekeeper.boxes().length > 0');
  await page.keyboard.press('/');
  await page.keyboard.type('work.r');
  assert.equal(await textOf(page, '#matched'), '2 hits, 70.0 % of all');
  const matches = (await boxesOf(page)).filter(({ isMatch }) => isMatch).map(({ name }) => name);
  assert.deepEqual(matches, ['int Work.rex()', 'Work.run']);
  await page.locator('#hits summary').click();
  assert.deepEqual(await textsOf(page, '#hits li'), ['int Work.rex() 40.0 %', 'Work.run 30.0 %']);
  await page.getByRole('button', { name: 'Next hit' }).click();
  assert.match(await textOf(page, '#selected'), /^int Work\.rex\(\)/);
  await page.locator('#flame').focus();
  await page.keyboard.press('n');
  assert.match(await textOf(page, '#selected'), /^Work\.run/);
  assert.equal(await textOf(page, '#hit-place'), '2 of 2');
  const evil = '(((a+)+)+)$';
  await page.locator('#search').fill(evil);
  assert.equal(await textOf(page, '#matched'), 'no hit in what is drawn');
  assert.match(page.url(), /search=/);
  await page.locator('#search').press('Escape');
  assert.equal(await page.locator('#search').inputValue(), '');
  assert.equal((await boxesOf(page)).filter(({ isMatch }) => isMatch).length, 0);
});

test('search can be asked of the service, which keeps the stacks that have it', { skip }, async (context) => {
  const { page } = await start(context, samples, { query: '?search=syscall' });
  await page.getByRole('button', { name: 'Only these stacks' }).click();
  await until(page, 'framekeeper.shown.answer.total === 30');
  await page.getByRole('button', { name: 'Take filter away: with syscall' }).click();
  await until(page, 'framekeeper.shown.answer.total === 100');
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

test('requests that pass arrive by themselves, and tiles that mean nothing for them are not there', {
  skip,
}, async (context) => {
  const { page, addCycle, pass, complaints } = await start(context, undefined);
  await page.getByRole('heading', { name: 'No samples yet' }).waitFor();
  for (const name of ['one', 'two', 'three']) pass([{ service: 'passing', stack: [{ names: [name] }] }]);
  for (const name of ['three', 'one']) await until(page, `framekeeper.boxes().some((box) => box.name === '${name}')`);
  addCycle(samples, { sampleCount: 4 });
  await page.getByText('7 in 5 s, 3 passed through').waitFor();
  const store = { symbolCount: 0, fileCount: 0, stubCount: 0, sizeBytes: 0, budgetBytes: 2 ** 26 };
  addCycle([], { cycleMs: null, store });
  await until(page, `document.querySelectorAll('.tile').length === 2`);
  assert.deepEqual(complaints, []);
});

test('a service is chosen in the list, and with it a link shows the same', { skip }, async (context) => {
  const named = { service: 'unknown_service:java', stack: [java], values: [5n] };
  const { page, base } = await start(context, [...samples, named]);
  await until(page, `document.querySelectorAll('.group-row').length === 4`);
  assert.deepEqual(await textsOf(page, '.group-row'), [
    'checkout 38.1 % 0.08 cores',
    'burn 28.6 % 0.06 cores',
    'jobs 28.6 % 0.06 cores',
    'java 4.76 % 0.01 cores',
  ]);
  await page.locator('.group-row').nth(3).click();
  await until(page, 'framekeeper.shown.answer.total === 5');
  assert.match(page.url(), /\?service=unknown_service%3Ajava$/);
  await page.goto(`${base}/live?service=jobs&view=table`);
  await page.getByText('Work.run').waitFor();
  assert.equal(await page.locator('#table tbody tr:not(.gap)').count(), 1);
  await page.locator('#find-group').fill('CHECK');
  await until(page, `document.querySelectorAll('.group-row').length === 1`);
});

test('a service that stopped answering is in the list with its age', { skip }, async (context) => {
  const { page, addCycle } = await start(context, samples);
  for (let cycle = 0; cycle < 13; cycle++) addCycle([{ service: 'burn', stack: [native] }]);
  await page.getByText('silent for 65 s').first().waitFor();
  assert.equal(await page.locator('.group-row.stale').count(), 2);
});

test('groups, direction and colours can be chosen, and are in the address', { skip }, async (context) => {
  const { page } = await start(context, samples);
  await page.locator('#by').selectOption('frame_type');
  await until(page, `framekeeper.boxes().some(({ name, class: kind }) => name === 'jvm' && kind === 'group')`);
  await page.locator('#direction').selectOption('inverted');
  await until(page, `framekeeper.shown.answer.inverted === true && framekeeper.boxes().length === 7`);
  assert.deepEqual((await boxesOf(page)).map(({ name }) => name).slice(0, 3), ['all', 'Work.run', 'do_syscall_64']);
  await page.locator('#direction').selectOption('flame');
  await until(page, `framekeeper.shown.answer.inverted === false && framekeeper.boxes()[0].y > 0`);
  const before = (await boxOf(page, 'main')).fill;
  await page.locator('#colour').selectOption('executable');
  assert.notEqual((await boxOf(page, 'main')).fill, before);
  assert.match(page.url(), /by=frame_type&direction=flame&colour=executable/);
});

test('every box can be opened to its leaves, because folded ones are asked of the service', {
  skip,
}, async (context) => {
  const many = Array.from({ length: 9000 }, (_, index) => ({
    service: `s${index % 3}`,
    stack: [{ names: [`leaf${index}`] }, { names: [`part${index % 30}`] }, { names: ['main'] }],
  }));
  const { page } = await start(context, many);
  await until(page, `framekeeper.boxes().some(({ class: kind }) => kind === 'folded')`);
  assert.match(await textOf(page, '#note'), /smaller ones folded/);
  assert.ok(!(await boxesOf(page)).some(({ name }) => name.startsWith('leaf')));
  await clickBox(page, 's0');
  await clickBox(page, 'part0');
  await until(page, `framekeeper.boxes().some(({ name }) => name.startsWith('leaf'))`);
  assert.equal((await boxesOf(page)).filter(({ name }) => name.startsWith('leaf')).length, 300);
  assert.match(await textOf(page, '#crumbs'), /3\.33 % of all$/);
});

test('the table is ordered, searched, and only has the rows in view', { skip }, async (context) => {
  const many = Array.from({ length: 1500 }, (_, index) => ({
    service: 's',
    stack: [{ names: [`f${index}`] }, native],
  }));
  const { page } = await start(context, many, { query: '?view=table' });
  await page.getByText('1,501 functions').waitFor();
  assert.ok((await page.locator('#table tbody tr').count()) < 80);
  await page.locator('#table').evaluate((element) => element.scrollTo(0, 1e6));
  await until(
    page,
    `document.querySelectorAll('#table tbody tr').length < 80 && !document.querySelector('[data-row="0"]')`,
  );
  await page.getByRole('button', { name: 'Total' }).click();
  await page.locator('[data-row="0"]').getByText('main').waitFor();
  assert.equal(await page.locator('th[aria-sort=descending]').innerText(), 'Total ▾');
  await page.locator('#search').fill('f149');
  await page.getByText('11 functions').waitFor();
});

test('a sandwich shows callers and callees of a function', { skip }, async (context) => {
  const { page } = await start(context, samples, { query: '?view=table' });
  await page.getByRole('button', { name: 'StubRoutines (1)' }).click();
  await page.getByText('0 samples').first().waitFor();
  assert.equal(
    await textOf(page, '#sandwich-head'),
    'StubRoutines (1) 0 samples, 0 µs (0.00 %) self, 40 samples, 400 ms (40.0 %) total',
  );
  const names = (view: string) => page.evaluate(`framekeeper.panels.${view}.boxes().map(({ name }) => name)`);
  assert.deepEqual(await names('callers'), ['StubRoutines (1)', 'libc.so.6+0x26f00']);
  assert.deepEqual(await names('callees'), ['StubRoutines (1)', 'int Work.rex()']);
  assert.match(page.url(), /view=sandwich&function=/);
});

test('a comparison shows what is new, gone, and within chance, in words beside the colours', {
  skip,
}, async (context) => {
  const { page, addCycle } = await start(context, [
    { service: 's', stack: [{ names: ['steady'] }], values: [100n] },
    { service: 's', stack: [{ names: ['old'] }], values: [50n] },
  ]);
  addCycle([
    { service: 's', stack: [{ names: ['steady'] }], values: [104n] },
    { service: 's', stack: [{ names: ['young'] }], values: [60n] },
  ]);
  await page.goto(`${page.url()}?view=compare&seconds=5`);
  await page.locator('.changes tbody tr').first().waitFor();
  assert.deepEqual(await textsOf(page, '.changes tbody tr'), ['young new 600 ms 0 µs', 'old gone 0 µs 500 ms']);
  const fills = new Map((await boxesOf(page)).map(({ name, fill }) => [name, fill]));
  assert.match(fills.get('young')!, /^hsl\(28 /);
  assert.match(fills.get('old')!, /^hsl\(212 /);
  assert.match(fills.get('steady')!, /^hsl\(210 /);
  const { x, y } = await point(page, 'steady');
  await page.mouse.move(x, y);
  assert.match(
    await textOf(page, '#tip'),
    /\+4\.0 %, within chance Total 104 samples, 1\.04 s .* before 100 samples, 1 s/,
  );
  await page.locator('#base').selectOption('service s');
  await page.getByText('No function’s own time changed').waitFor();
});

test('a range is selected in the timeline by pointer and by keys, and a link keeps it', { skip }, async (context) => {
  const { page, addCycle } = await start(context, [{ service: 'first', stack: [native] }]);
  for (const name of ['second', 'third', 'fourth']) addCycle([{ service: name, stack: [native] }]);
  await until(page, 'framekeeper.shown.timeline?.values.length === 4');
  const box = (await page.locator('#timeline').boundingBox())!;
  // The line is a minute long; its last 20 s have samples.
  const at = (share: number): number => box.x + box.width * share;
  await page.mouse.move(at(0.77), box.y + 10);
  await page.mouse.down();
  await page.mouse.move(at(0.81), box.y + 10);
  await page.mouse.up();
  await until(
    page,
    `framekeeper.boxes().some(({ name }) => name === 'second') && framekeeper.shown.answer.total === 1`,
  );
  assert.match(page.url(), /from=\d{13}&to=\d{13}/);
  assert.equal(await textOf(page, '#live'), 'Selected time');
  await page.locator('#timeline').focus();
  await page.keyboard.press('ArrowRight');
  await until(page, `framekeeper.boxes().some(({ name }) => name === 'third')`);
  const url = page.url();
  await page.goto('about:blank');
  await page.goto(url);
  await until(page, `framekeeper.boxes().some(({ name }) => name === 'third') && framekeeper.shown.answer.total === 1`);
  await page.getByRole('button', { name: 'Resume' }).click();
  await until(page, 'framekeeper.shown.answer.total === 4');
});

test('link, name, stack, pictures and profiles can be taken away', { skip }, async (context) => {
  const { page } = await start(context, samples, { permissions: ['clipboard-read', 'clipboard-write'] });
  await clickBox(page, 'Work.run');
  await page.locator('#flame').focus();
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('ArrowDown');
  const clipboard = () => page.evaluate('navigator.clipboard.readText()');
  await page.getByRole('button', { name: 'Copy name' }).click();
  await until(page, `document.querySelector('#spoken').textContent === 'Copied the name'`);
  assert.equal(await clipboard(), 'Work.run');
  await page.getByRole('button', { name: 'Copy stack' }).click();
  await until(page, `document.querySelector('#spoken').textContent === 'Copied the stack'`);
  assert.equal(await clipboard(), 'jobs\nWork.run /srv/work.py:12');
  const take = async (label: string): Promise<{ name: string; bytes: Buffer }> => {
    await page.locator('#take summary').click();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: label, exact: true }).click(),
    ]);
    return { name: download.suggestedFilename(), bytes: await readFile(await download.path()) };
  };
  const svg = await take('SVG of the view');
  assert.match(svg.bytes.toString(), /^<\?xml[\s\S]*<title>Work\.run, 30\.0 %<\/title>/);
  assert.deepEqual([...(await take('PNG of the view')).bytes.subarray(1, 4)], [...Buffer.from('PNG')]);
  const pprof = await take('pprof');
  assert.match(pprof.name, /^framekeeper-\d{8}T\d{6}\.pb\.gz$/);
  assert.equal(decodePprof(gunzipSync(pprof.bytes)).samples.length, 3);
  assert.equal((await take('Folded stacks')).bytes.toString().trim().split('\n').length, 3);
  assert.match((await take('speedscope')).bytes.toString(), /speedscope/);
  assert.ok((await take('OTLP')).bytes.length > 100);
  await page.locator('#take summary').click();
  await page.getByRole('button', { name: 'Copy link' }).click();
  await until(page, `document.querySelector('#spoken').textContent.startsWith('Copied a link')`);
  assert.match(String(await clipboard()), /path=[\w.-]+&from=\d{13}&to=\d{13}$/);
});

test('names of strangers stay text', { skip }, async (context) => {
  const evil = '<img src=x onerror="globalThis.hacked=1"><script>globalThis.hacked=1</script>\u202e\u0000{{path}}';
  const frame: FixtureFrame = { names: [evil], type: 'cpython', file: evil, module: evil };
  const { page, complaints } = await start(context, [{ service: evil, stack: [frame] }]);
  await until(page, 'framekeeper.boxes().length === 3');
  const canvas = (await page.locator('#flame').boundingBox())!;
  await page.mouse.move(canvas.x + 50, canvas.y + 55);
  assert.ok((await page.locator('#tip').innerText()).includes('<img src=x onerror='));
  await page.mouse.click(canvas.x + 50, canvas.y + 55);
  await page.locator('#crumbs button').nth(2).waitFor();
  await page.locator('#search').fill(evil);
  await page.locator('.group-row').first().click();
  await page.locator('.chip').waitFor();
  for (const view of ['Tree', 'Table', 'Sandwich', 'Compare']) await page.getByRole('tab', { name: view }).click();
  assert.equal(await page.evaluate('globalThis.hacked'), undefined);
  assert.equal(await page.locator('img, body script').count(), 0);
  assert.deepEqual(complaints, []);
});

test('the keyboard walks the graph and says where it is', { skip }, async (context) => {
  const { page } = await start(context, samples);
  await until(page, 'framekeeper.boxes().length > 0');
  await page.locator('#flame').focus();
  const spoken = () => page.locator('#spoken').innerText();
  await page.keyboard.press('ArrowDown');
  assert.equal(await spoken(), 'checkout, 40.0 %, 40 samples, 400 ms, depth 1');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowDown');
  assert.equal(await spoken(), 'Work.run, Interpreted, frame type cpython, 30.0 %, 30 samples, 300 ms, depth 2');
  await page.keyboard.press('Enter');
  await page.locator('#crumbs button[aria-current]').getByText('Work.run').waitFor();
  await page.locator('#flame').focus();
  await page.keyboard.press('ArrowUp');
  assert.equal(await spoken(), 'jobs, 30.0 %, 30 samples, 300 ms, depth 1');
});

test('the tree has the same as text, for keys and for who hears the page', { skip }, async (context) => {
  const { page } = await start(context, samples, { query: '?view=tree' });
  await page.getByRole('treeitem').first().waitFor();
  await page.getByRole('treeitem').first().focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowRight');
  const items = page.getByRole('treeitem');
  assert.deepEqual(
    await items.evaluateAll((elements) =>
      elements.map((each) => [each.ariaLevel, each.ariaExpanded, each.ariaPosInSet, each.ariaSetSize]),
    ),
    [
      ['1', 'true', '1', '1'],
      ['2', 'true', '1', '3'],
      ['3', 'false', '1', '1'],
      ['2', 'false', '2', '3'],
      ['2', 'false', '3', '3'],
    ],
  );
  await page.keyboard.press('ArrowDown');
  assert.match(await textOf(page, '#selected'), /^libc\.so\.6\+0x26f00/);
  await page.keyboard.press('Enter');
  await page.locator('#crumbs button[aria-current]').getByText('libc.so.6+0x26f00').waitFor();
});

test('a finger selects with a tap and zooms with a second one; a phone needs no scrolling sideways', {
  skip,
}, async (context) => {
  const { page } = await start(context, samples, {
    viewport: { width: 390, height: 844 },
    hasTouch: true,
    isMobile: true,
  });
  await until(page, 'framekeeper.boxes().length > 0');
  await page.locator('#flame').scrollIntoViewIfNeeded();
  const { x, y } = await point(page, 'Work.run');
  await page.touchscreen.tap(x, y);
  await page.locator('#selected').getByText('Work.run').waitFor();
  assert.equal(await page.locator('#crumbs').isVisible(), false);
  const again = await point(page, 'Work.run');
  await page.touchscreen.tap(again.x, again.y);
  await page.locator('#crumbs button[aria-current]').getByText('Work.run').waitFor();
  assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 390);
});

test('the page says how to send samples while there are none, and figures and remedies once there are', {
  skip,
}, async (context) => {
  const { page, addCycle, complaints } = await start(context, undefined);
  await page.getByRole('heading', { name: 'No samples yet' }).waitFor();
  assert.equal(await textOf(page, '#receivers'), 'frames localhost:4317');
  const unresolvedFrames = { 'native never_submitted': 40, 'jvm evicted': 2, 'jvm expired': 0 };
  addCycle(samples, { sampleCount: 400, unresolvedFrames });
  await page.locator('#flame').waitFor();
  assert.deepEqual(await textsOf(page, '.tile'), [
    'Samples / s 80 400 in 5 s',
    'Report 12.3 ms to build and hand over',
    'Symbols 18,432 in 1,207 files',
    'Store memory 32 MiB 50.0 % of 64 MiB',
    'Live stubs 1,059 resubmitted every cycle',
    'Unresolved frames 42 why, and what to do',
  ]);
  await page.getByText('why, and what to do').click();
  const [first, second, ...others] = await textsOf(page, '.unresolved li');
  assert.match(first!, /^never submitted \(40 native\) Nobody has sent this name\./);
  assert.match(second!, /^evicted \(2 jvm\) .*max_entries/);
  assert.deepEqual([others, complaints], [[], []]);
});

test('a stack a thousand frames deep can be scrolled to its end', { skip }, async (context) => {
  const stack = Array.from({ length: 1000 }, (_, depth) => ({ names: [`f${depth}`] }));
  const { page } = await start(context, [{ service: 's', stack }]);
  await until(page, 'framekeeper.boxes().length > 0');
  await page.locator('.scroller').evaluate((element) => element.scrollTo(0, 1e6));
  await until(page, `framekeeper.boxes().some(({ name }) => name === 'f0')`);
});

test('a page of a selection without samples says so, and what to do', { skip }, async (context) => {
  const { page } = await start(context, samples, { query: '?service=nobody' });
  await page.getByRole('heading', { name: 'No samples in this selection' }).waitFor();
  await page.getByRole('button', { name: 'Take filter away: service nobody' }).click();
  await page.locator('#flame').waitFor();
});

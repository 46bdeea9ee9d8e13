import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { runTap } from '../../src/cli/tap.ts';
import type { Terminal } from '../../src/cli/top.ts';
import { runTop } from '../../src/cli/top.ts';
import type { LivePage } from '../../src/http/live-page/live-page.ts';
import { serve } from '../support/http-harness.ts';
import { createLivePage, liveCycleOf } from '../support/live-page.ts';
import { profilesOf } from '../support/profiles-fixture.ts';
import { recordedIo } from '../support/recorded-io.ts';

const samples = [
  {
    service: 'web',
    resource: { 'process.pid': 7n },
    stack: [{ names: ['parse'] }, { names: ['main'] }],
    values: [30n],
  },
  {
    service: 'db',
    resource: { 'process.pid': 8n },
    stack: [{ names: ['read\u001b[2J'] }, { names: ['main'] }],
    values: [10n],
  },
];

async function start(context: TestContext): Promise<{ url: string; page: LivePage }> {
  const page = createLivePage();
  const url = `${await serve(context, page)}/live`;
  page.addCycle(liveCycleOf(profilesOf(samples), 5000));
  return { url, page };
}

async function top(args: readonly string[], terminal?: Terminal) {
  const io = recordedIo();
  const code = await runTop(args, { ...io, signal: new AbortController().signal, terminal });
  return { code, stdout: io.out, stderr: io.err };
}

async function tap(args: readonly string[], signal = new AbortController().signal) {
  const io = recordedIo();
  const code = await runTap(args, { ...io, signal });
  return { code, stdout: io.out, stderr: io.err };
}

test('top without a terminal prints one table of functions, and no control character of a name', async (context) => {
  const { url } = await start(context);
  const { code, stdout } = await top(['--url', url]);
  assert.equal(code, 0);
  assert.equal(
    stdout,
    `40 samples, 00:00:00 to 00:00:05 UTC
CORES    SELF    TOTAL  FUNCTION
0.060  75.0 %   75.0 %  parse
0.020  25.0 %   25.0 %  read\ufffd[2J
0.080   0.0 %  100.0 %  main
`,
  );
});

test('top ranks services, filters, bounds its rows, and writes JSON', async (context) => {
  const { url } = await start(context);
  const services = await top(['--url', url, '--by', 'service', '--once', '-n', '1']);
  assert.match(services.stdout, /\n0\.060 {2}75\.0 % {2}web\n$/);
  const { rows, total } = JSON.parse(
    (await top(['--url', url, '--by', 'process', '--service', 'db', '--json', '--once'])).stdout,
  );
  assert.equal(total, 10);
  assert.deepEqual(
    rows.map(({ name, share, cores }: { name: string; share: number; cores: number }) => [name, share, cores]),
    [['db (8)', 1, 0.02]],
  );
});

test('top in a terminal draws on its own screen, takes keys, and leaves the terminal as it was', async (context) => {
  const { url } = await start(context);
  let press: ((key: string) => void) | undefined;
  let isListening = false;
  const terminal: Terminal = {
    size: () => ({ columns: 60, rows: 10 }),
    listen: (onKey) => {
      press = onKey;
      isListening = true;
      return () => {
        isListening = false;
      };
    },
  };
  const io = recordedIo();
  const running = runTop(['--url', url], { ...io, signal: new AbortController().signal, terminal });
  const shows = async (text: RegExp): Promise<void> => {
    while (!text.test(io.out)) await new Promise(setImmediate);
  };
  await shows(/FUNCTION.*parse/s);
  press!('s');
  await shows(/SERVICE.*web/s);
  press!(' ');
  await shows(/paused/);
  press!('q');
  assert.equal(await running, 0);
  assert.equal(isListening, false);
  assert.ok(io.out.startsWith('\u001b[?1049h\u001b[?25l') && io.out.endsWith('\u001b[?25h\u001b[?1049l'));
});

test('tap prints the stacks of each cycle that match, and ends when it is interrupted', async (context) => {
  const { url, page } = await start(context);
  const once = await tap(['--url', url, '--once']);
  assert.equal(once.stdout, 'web;main;parse 30\ndb;main;read [2J 10\n');
  const limited = await tap(['--url', url, '--once', '--limit', '1']);
  assert.equal(limited.stdout, 'web;main;parse 30\n');
  assert.match(limited.stderr, /1 further stacks of this cycle/);
  const stop = new AbortController();
  const io = recordedIo();
  const running = runTap(['--url', url, '--match', 'parse', '--json'], { ...io, signal: stop.signal });
  while (io.out === '') await new Promise(setImmediate);
  page.addCycle(liveCycleOf(profilesOf([{ ...samples[0]!, values: [5n] }]), 10_000));
  while (io.out.split('\n').length < 3) await new Promise(setImmediate);
  stop.abort();
  assert.equal(await running, 0);
  const lines = io.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(lines, [
    { time: '1970-01-01T00:00:05.000Z', service: 'web', frames: ['main', 'parse'], value: 30 },
    { time: '1970-01-01T00:00:10.000Z', service: 'web', frames: ['main', 'parse'], value: 5 },
  ]);
});

for (const { name, args, code, text } of [
  {
    name: 'a ranking that is none',
    args: ['--by', 'colour'],
    code: 2,
    text: /--by is "colour", write one of function/,
  },
  { name: 'rows that are no number', args: ['-n', 'x'], code: 2, text: /--rows is "x", write a whole number/ },
  {
    name: 'an address that is none',
    args: ['--url', 'localhost'],
    code: 2,
    text: /--url is "localhost", write an address/,
  },
  { name: 'an option of tap', args: ['--limit', '3'], code: 2, text: /Unknown option '--limit'/ },
  { name: 'a token file that is not there', args: ['--token-file', 'gone'], code: 2, text: /--token-file: / },
  { name: 'nobody there', args: ['--url', 'http://127.0.0.1:9/live'], code: 1, text: /no answer .*start the service/ },
] as const) {
  test(`top says what to do about ${name}`, async () => {
    const outcome = await top(args);
    assert.equal(outcome.code, code);
    assert.match(outcome.stderr, text);
  });
}

test('top and tap tell a page that is elsewhere, and filters that the service refuses', async (context) => {
  const { url } = await start(context);
  assert.match(
    (await top(['--url', `${url}/elsewhere`])).stderr,
    /there is no live page; configure the extension live_page/,
  );
  const refused = await tap(['--url', url, '--once', '--type', 'gone']);
  assert.deepEqual([refused.code, refused.stdout], [0, '']);
});

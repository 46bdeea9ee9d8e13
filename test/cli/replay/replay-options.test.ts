import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseReplayOptions } from '../../../src/cli/replay/replay-options.ts';

test('parseReplayOptions has a default for everything', () => {
  assert.deepEqual(parseReplayOptions([]), {
    kind: 'options',
    options: {
      recordings: [],
      endpoint: 'localhost:4317',
      useTls: false,
      caFile: undefined,
      isInsecure: false,
      headers: [],
      tokenFile: undefined,
      speed: 1,
      isLoop: true,
      time: 'now',
      format: 'auto',
      countedType: undefined,
    },
  });
});

test('parseReplayOptions reads every option', () => {
  const args =
    'java x.txt --endpoint https://[::1]:99 --speed max --once --time recorded --format perf-script ' +
    '--ca-file ca.pem --insecure --header x-scope-orgid=a=b --header y=z --token-file token --type off_cpu/microseconds';
  assert.deepEqual(parseReplayOptions(args.split(' ')), {
    kind: 'options',
    options: {
      recordings: ['java', 'x.txt'],
      endpoint: '[::1]:99',
      useTls: true,
      caFile: 'ca.pem',
      isInsecure: true,
      headers: [
        ['x-scope-orgid', 'a=b'],
        ['y', 'z'],
      ],
      tokenFile: 'token',
      speed: Number.POSITIVE_INFINITY,
      isLoop: false,
      time: 'recorded',
      format: 'perf-script',
      countedType: 'off_cpu/microseconds',
    },
  });
});

for (const { args, words } of [
  { args: ['--speed', 'fast'], words: ['--speed', '"fast"', 'max'] },
  { args: ['--speed', '0'], words: ['--speed', '"0"'] },
  { args: ['--speed', '-1'], words: ['--speed'] },
  { args: ['--endpoint', 'localhost'], words: ['--endpoint', '"localhost"', 'HOST:PORT'] },
  { args: ['--time', 'later'], words: ['--time', 'later', 'recorded'] },
  { args: ['--format', 'pprof'], words: ['--format', 'pprof', 'perf-script'] },
  { args: ['--once', '--loop'], words: ['--once', '--loop'] },
  { args: ['--ca-file', 'ca.pem'], words: ['--ca-file', 'https://localhost:4317'] },
  { args: ['--type', 'off cpu'], words: ['--type', '"off cpu"', 'off_cpu/microseconds'] },
  { args: ['--insecure'], words: ['--insecure', 'https://localhost:4317'] },
  { args: ['--header', 'novalue'], words: ['--header', '"novalue"', 'NAME=VALUE'] },
  { args: ['--header', 'a=b\nc'], words: ['--header', '"a"'] },
  { args: ['--spede', '2'], words: ['--spede'] },
]) {
  test(`parseReplayOptions refuses ${args.join(' ')}`, () => {
    const parsed = parseReplayOptions(args);
    assert.ok(parsed.kind === 'problem');
    for (const word of words) assert.ok(parsed.problem.includes(word), `"${word}" is not in: ${parsed.problem}`);
  });
}

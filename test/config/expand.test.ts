// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references are what this file is about
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ConfigProblem } from '../../src/config/config-error.ts';
import { formatProblem } from '../../src/config/config-error.ts';
import { ConfigNotes } from '../../src/config/config-notes.ts';
import type { ConfigValue } from '../../src/config/config-value.ts';
import { Expanded } from '../../src/config/config-value.ts';
import { expand } from '../../src/config/expand.ts';

interface Outcome {
  readonly value: ConfigValue;
  readonly messages: readonly string[];
  readonly notes: ConfigNotes;
}

function run(value: ConfigValue, env: Record<string, string> = {}, files: Record<string, string> = {}): Outcome {
  const problems: ConfigProblem[] = [];
  const notes = new ConfigNotes();
  const readFile = (path: string): string => {
    if (Object.hasOwn(files, path)) return files[path]!;
    throw new Error(`ENOENT: no such file or directory, open '${path}'`);
  };
  return { value: expand(value, { env, readFile }, problems, notes), messages: problems.map(formatProblem), notes };
}

const env = {
  HOST: 'localhost',
  PORT: '4317',
  OCTAL: '0123',
  HEX: '0xdeadbeef',
  QUOTED: '"0123"',
  TAGGED: '!!str 0123',
  YES: 'true',
  EMPTY: '',
  NULL: 'null',
  LIST: '[a, "${env:HOST}"]',
  MAP: '{x: 1, y: "${PORT}"}',
  LINES: 'foo\nbar',
  BROKEN: '[a, b',
  COLONS: '1111:1111::',
  TIME: '2006-01-02T15:04:05Z07:00',
  INDIRECT: '${env:OCTAL}',
  WRAPPED: 'The value ${env:HOST} is wrapped',
  TWICE: 'The value ${env:WRAPPED} is wrapped',
  DOLLARS: 'a$$b',
  ESCAPED: '$${HOST}',
  NAME: 'HOST',
  COMMENT: 'true # with a ${env:bad.name} reference',
  SECRET: 'p$w0rd',
};

// The Collector's own cases for typed values (confmap/internal/e2e/types_test.go), and what follows from them.
for (const { text, value } of [
  { text: 'plain', value: 'plain' },
  { text: '${env:HOST}', value: 'localhost' },
  { text: '${HOST}', value: 'localhost' },
  { text: 'http://${env:HOST}:${PORT}/x', value: 'http://localhost:4317/x' },
  { text: '${env:PORT}', value: new Expanded(4317, '4317') },
  { text: '${env:OCTAL}', value: new Expanded(83, '0123') },
  { text: 'inline ${env:OCTAL}', value: 'inline 0123' },
  { text: '${env:HEX}', value: new Expanded(3735928559, '0xdeadbeef') },
  { text: '${env:QUOTED}', value: '"0123"' },
  { text: 'inline ${env:QUOTED}', value: 'inline "0123"' },
  { text: '${env:TAGGED}', value: '!!str 0123' },
  { text: '${env:YES}', value: new Expanded(true, 'true') },
  { text: '${env:EMPTY}', value: new Expanded(null, '') },
  { text: 'a${env:EMPTY}b', value: 'ab' },
  { text: '${env:NULL}', value: new Expanded(null, 'null') },
  { text: '${env:LIST}', value: new Expanded(['a', 'localhost'], '[a, "localhost"]') },
  { text: 'inline ${env:LIST}', value: 'inline [a, "localhost"]' },
  { text: '${env:MAP}', value: new Expanded({ x: 1, y: new Expanded(4317, '4317') }, '{x: 1, y: "4317"}') },
  { text: '${env:LINES}', value: 'foo\nbar' },
  { text: '${env:BROKEN}', value: '[a, b' },
  { text: '${env:COLONS}', value: new Expanded({ '1111:1111:': null }, '1111:1111::') },
  { text: '${env:TIME}', value: '2006-01-02T15:04:05Z07:00' },
  { text: '${env:INDIRECT}', value: new Expanded(83, '0123') },
  { text: 'inline ${env:INDIRECT}', value: 'inline 0123' },
  { text: '${env:WRAPPED}', value: 'The value localhost is wrapped' },
  { text: '<${env:TWICE}>', value: '<The value The value localhost is wrapped is wrapped>' },
  { text: '${env:DOLLARS}', value: 'a$b' },
  { text: '${env:ESCAPED}', value: '${HOST}' },
  { text: '${env:SECRET}', value: 'p$w0rd' },
  { text: '${env:${env:NAME}}', value: 'localhost' },
  { text: '${env:${NAME}}:1', value: 'localhost:1' },
  { text: '${env:COMMENT}', value: new Expanded(true, undefined) },
  { text: '$${env:HOST}', value: '${env:HOST}' },
  { text: '$$${env:HOST}', value: '$localhost' },
  { text: 'a$$b', value: 'a$b' },
  { text: '${env:UNSET:-default}', value: 'default' },
  { text: '${env:UNSET:-}', value: new Expanded(null, '') },
  { text: '${env:UNSET:-0123}', value: new Expanded(83, '0123') },
  { text: '${env:UNSET:-a:-b}', value: 'a:-b' },
  { text: '${env:UNSET:-${env:HOST}}', value: 'localhost' },
  { text: '${env:UNSET:-http://x:1}', value: 'http://x:1' },
  { text: '${env:HOST:-default}', value: 'localhost' },
  { text: 'a${env:EMPTY:-default}b', value: 'ab' },
  { text: '${yaml:[1, x]}', value: new Expanded([1, 'x'], '[1, x]') },
  { text: '${yaml:0123}', value: new Expanded(83, '0123') },
  { text: '${file:/port}', value: new Expanded(4317, '4317') },
  { text: 'Bearer ${file:/token}', value: 'Bearer abc' },
  { text: '${file:/token}', value: 'abc' },
  { text: '${file:/windows}', value: 'abc' },
  { text: '${file:relative.yaml}', value: new Expanded({ a: 'localhost' }, 'a: localhost') },
]) {
  test(`expand reads ${text}`, () => {
    const files = { '/port': '4317\n', '/token': 'abc\n', '/windows': 'abc\r\n', 'relative.yaml': 'a: ${env:HOST}\n' };
    const outcome = run({ k: text }, env, files);
    assert.deepEqual(outcome.value, { k: value });
    assert.deepEqual([outcome.messages, outcome.notes.warnings], [[], []]);
  });
}

for (const { text, message } of [
  {
    text: '${env:1X}',
    message:
      'a.b: environment variable "1X" has invalid name; use letters, digits and underscores, and no digit at the start, or write $${ for a literal ${.',
  },
  {
    text: '${a b}',
    message:
      'a.b: environment variable "a b" has invalid name; use letters, digits and underscores, and no digit at the start, or write $${ for a literal ${.',
  },
  {
    text: '${}',
    message:
      'a.b: environment variable "" has invalid name; use letters, digits and underscores, and no digit at the start, or write $${ for a literal ${.',
  },
  {
    text: '${env:}',
    message:
      'a.b: environment variable "" has invalid name; use letters, digits and underscores, and no digit at the start, or write $${ for a literal ${.',
  },
  {
    text: 'x ${vault:secret/x}',
    message:
      'a.b: scheme "vault" is not supported for "vault:secret/x"; use env, file or yaml, or write $${ for a literal ${.',
  },
  {
    text: '${evn:HOST}',
    message:
      'a.b: scheme "evn" is not supported for "evn:HOST"; did you mean "env"? Use env, file or yaml, or write $${ for a literal ${.',
  },
  {
    text: '${https://x/y}',
    message:
      'a.b: scheme "https" is not supported for "https://x/y"; use env, file or yaml, or write $${ for a literal ${.',
  },
  {
    text: '${:x}',
    message: 'a.b: scheme "" is not supported for ":x"; use env, file or yaml, or write $${ for a literal ${.',
  },
  {
    text: '${HOST:-default}',
    message:
      'a.b: scheme "HOST" is not supported for "HOST:-default"; write ${env:HOST:-default} for a variable with a default.',
  },
  {
    text: '${env:a$b}',
    message: 'a.b: the reference "env:a$b" contains unsupported characters (\'$\'); write it without $.',
  },
  {
    text: '${file:/nope}',
    message:
      'a.b: file "/nope" cannot be read (ENOENT: no such file or directory, open \'/nope\'); correct the path or its permissions.',
  },
  {
    text: 'x ${env:COMMENT}',
    message: 'a.b: a reference inside a text has no text of its own; correct the references within its value.',
  },
  {
    text: '${env:SELF}',
    message: 'a.b: too many recursive expansions; look for a variable or file that refers to itself.',
  },
  {
    text: '${env:PING}',
    message: 'a.b: too many recursive expansions; look for a variable or file that refers to itself.',
  },
  {
    text: '${env:SELFLIST}',
    message: /^a\.b: (too many recursive expansions|the expanded value is nested too deeply); /,
  },
  {
    text: '${env:LAUGH0}',
    message: 'a.b: too many recursive expansions; look for a variable or file that refers to itself.',
  },
  {
    text: '${env:LARGE}',
    message: 'a.b: the expanded text is longer than 4 MiB; look for references that repeat each other.',
  },
]) {
  test(`expand refuses ${text}`, () => {
    const laughs = Array.from({ length: 30 }, (_, i) => [`LAUGH${i}`, `\${env:LAUGH${i + 1}}\${env:LAUGH${i + 1}}`]);
    const outcome = run(
      { a: { b: text, c: '${env:HOST}' } },
      {
        ...env,
        ...Object.fromEntries(laughs),
        SELF: 'x ${env:SELF}',
        PING: '${env:PONG}',
        PONG: '${env:PING}',
        SELFLIST: '[[["${env:SELFLIST}"]]]',
        MEBI: 'x'.repeat(1024 * 1024),
        LARGE: '${env:MEBI}'.repeat(5),
      },
    );
    assert.equal(outcome.messages.length, 1);
    if (message instanceof RegExp) assert.match(outcome.messages[0]!, message);
    else assert.equal(outcome.messages[0], message);
    assert.deepEqual(outcome.value, { a: { b: new Expanded(null, ''), c: 'localhost' } });
    assert.deepEqual([...outcome.notes.unreadablePaths], ['a.b']);
  });
}

test('expand takes an unset variable as empty, with a warning for each place', () => {
  const outcome = run({ a: '${env:X}', b: ['x${X}y', 'x${X}${X}y'] });
  assert.deepEqual(outcome.value, { a: new Expanded(null, ''), b: ['xy', 'xy'] });
  assert.deepEqual(outcome.messages, []);
  const rest = 'environment variable "X" is not set, so the value is empty; set it or write ${env:X:-default}.';
  assert.deepEqual(outcome.notes.warnings, [`a: ${rest}`, `b[0]: ${rest}`, `b[1]: ${rest}`]);
});

test('expand warns of a $NAME without braces, which it leaves alone', () => {
  const value = { a: '$HOST', b: 'http://$HOST:4317', c: '$5', d: '$UNSET', e: 'pa$WORD' };
  const outcome = run(value, env);
  assert.deepEqual(outcome.value, value);
  assert.deepEqual(outcome.notes.warnings, [
    "a: $HOST is taken literally; write ${env:HOST} for the variable's value.",
    "b: $HOST is taken literally; write ${env:HOST} for the variable's value.",
    "d: $UNSET is taken literally; write ${env:UNSET} for the variable's value.",
  ]);
});

test('expand leaves keys alone, and values that are no text', () => {
  const value = { '${env:HOST}': [1, true, null, { x: 1.5 }], n: new Expanded(83, '${env:HOST}') };
  assert.deepEqual(run(value, env).value, value);
});

test('expand collects the faults of all values, with their paths', () => {
  const outcome = run({ a: ['${file:/x}', { b: '${1}' }], c: '${d:e}' });
  assert.deepEqual(
    outcome.messages.map((message) => message.split(':')[0]),
    ['a[0]', 'a[1].b', 'c'],
  );
});

test('expand resolves a chain of 999 variables, typed at its end', () => {
  const chain = Array.from({ length: 999 }, (_, i) => [`V${i}`, `\${env:V${i + 1}}`]);
  const outcome = run({ k: '${env:V0}' }, { ...Object.fromEntries(chain), V999: '0123' });
  assert.deepEqual([outcome.value, outcome.messages], [{ k: new Expanded(83, '0123') }, []]);
});

test('expand resolves maps within maps within variables without repeating itself', () => {
  const levels = Array.from({ length: 25 }, (_, i) => [`V${i}`, `{v: "\${env:V${i + 1}}"}`]);
  const outcome = run({ k: '${env:V0}' }, { ...Object.fromEntries(levels), V25: '7' });
  assert.deepEqual(outcome.messages, []);
});

test('expand reads nothing from the prototype of the environment', () => {
  assert.equal(run({ k: '${env:toString}' }).notes.warnings.length, 1);
});

test('expand ends for any text and any environment, and never throws', () => {
  const pieces = fc.constantFrom(
    '${',
    '}',
    '$',
    '$$',
    'env:',
    'file:',
    'yaml:',
    ':-',
    'A',
    'B',
    '[',
    ']',
    '{',
    ': ',
    '"',
    '\n',
    '1',
    ',',
  );
  const texts = fc.oneof(
    fc.array(pieces, { maxLength: 15 }).map((parts) => parts.join('')),
    fc.string(),
  );
  fc.assert(
    fc.property(texts, texts, texts, texts, (text, a, b, file) => {
      const outcome = run({ k: text }, { A: a, B: b }, { A: file, B: a });
      assert.ok(outcome.messages.length <= 1);
    }),
    { numRuns: 500 },
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Logger } from 'pino';
import type { LoggerConfig } from '../../src/support/logger.ts';
import { componentLogger, createLogger, setLogLevel } from '../../src/support/logger.ts';
import { FakeClock } from './fake-clock.ts';

function capture(config: Partial<LoggerConfig> = {}): { logger: Logger; lines: string[] } {
  const lines: string[] = [];
  const all: LoggerConfig = { level: 'info', encoding: 'json', initialFields: new Map(), ...config };
  return { logger: createLogger(all, new FakeClock(), { write: (line: string) => lines.push(line) }), lines };
}

const ts = '2026-01-01T00:00:00.000Z';

test('createLogger writes JSON with the field names of the Collector', () => {
  const { logger, lines } = capture({ initialFields: new Map([['node', 'n1']]) });
  componentLogger(logger, 'exporter', 'otlp_grpc/a').warn(
    { error: new Error('refused'), interval: '5s' },
    'Will retry.',
  );
  assert.deepEqual(JSON.parse(lines[0]!), {
    level: 'warn',
    ts,
    node: 'n1',
    'otelcol.component.id': 'otlp_grpc/a',
    'otelcol.component.kind': 'exporter',
    'otelcol.signal': 'profiles',
    error: 'refused',
    interval: '5s',
    msg: 'Will retry.',
  });
});

test('createLogger writes console lines in columns, and keeps a message on its line', () => {
  const { logger, lines } = capture({ encoding: 'console' });
  logger.info('Ready.');
  componentLogger(logger, 'extension', 'live_page').error('a\nb \u001b[31m\u009b');
  assert.deepEqual(lines, [
    `${ts}\tinfo\tReady.\n`,
    `${ts}\terror\ta\\nb \\u001b[31m\\u009b\t{"otelcol.component.id":"live_page","otelcol.component.kind":"extension"}\n`,
  ]);
});

for (const encoding of ['json', 'console'] as const) {
  test(`controls of terminals and of the order of text are escaped in ${encoding}, in messages, keys, values and errors`, () => {
    const { logger, lines } = capture({ encoding });
    const nasty = '\u009b31m\u007f\u0085\u202egnp.exe\u2066\u200f\u2028\u061c\ufeff';
    const error = new Error(nasty);
    logger.child({ [`child${nasty}`]: nasty }).warn({ [nasty]: [nasty, { deep: nasty }], error }, `Refused ${nasty}.`);
    const [line] = lines;
    assert.doesNotMatch(line!.slice(0, -1).replaceAll('\t', ''), /[\p{Cc}\p{Bidi_Control}\u2028\u2029\ufeff]/u);
    assert.match(line!, /\\u202egnp\.exe/);
    if (encoding === 'json') assert.equal(JSON.parse(line!).error, nasty, 'a reader of JSON gets the text itself');
  });
}

test('createLogger leaves out what is below its level', () => {
  const { logger, lines } = capture({ level: 'error' });
  logger.warn('no');
  assert.deepEqual(lines, []);
});

for (const [name, fields] of [
  ['headers', { headers: { 'x-any': 'hunter2' } }],
  ['nested keys', { exporter: { tls: { key_pem: 'hunter2' }, list: [{ Authorization: 'hunter2' }] } }],
  ['an API key', { 'X-Api-Key': 'hunter2', bearer_token: 'hunter2', password: 'hunter2' }],
  ['a URL with credentials', { endpoint: 'https://hunter2:hunter2@example.com/' }],
  ['a password with an "@"', { endpoint: 'https://user:a@hunter2@example.com/', other: 'b@example.com' }],
  ['an error with a URL', { error: new Error('cannot reach https://hunter2@example.com') }],
] as const) {
  for (const encoding of ['json', 'console'] as const) {
    test(`createLogger redacts ${name} in ${encoding}`, () => {
      const { logger, lines } = capture({ encoding });
      logger.info(fields, 'See https://a:hunter2@b/.');
      logger.child(fields).info('x');
      assert.doesNotMatch(lines.join(''), /hunter2/);
      assert.match(lines[0]!, /\[REDACTED\]/);
    });
  }
}

test('the level of a logger changes with all its children, also those of children, made before or after', () => {
  const lines: string[] = [];
  const root = createLogger({ level: 'info', encoding: 'json', initialFields: new Map() }, new FakeClock(), {
    write: (line: string) => lines.push(line),
  });
  const child = componentLogger(root, 'receiver', 'frames').child({ deep: true });
  child.debug('one');
  setLogLevel(root, 'debug');
  child.debug('two');
  root.child({}).debug('three');
  setLogLevel(root, 'error');
  child.warn('four');
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).msg),
    ['two', 'three'],
  );
});

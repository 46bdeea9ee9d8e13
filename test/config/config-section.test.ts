import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import type { ConfigProblem } from '../../src/config/config-error.ts';
import { formatProblem } from '../../src/config/config-error.ts';
import { ConfigNotes } from '../../src/config/config-notes.ts';
import { ConfigSection } from '../../src/config/config-section.ts';
import { Expanded } from '../../src/config/config-value.ts';

interface Read {
  readonly result: unknown;
  readonly messages: readonly string[];
  readonly notes: ConfigNotes;
}

function read(value: unknown, ask: (section: ConfigSection) => unknown): Read {
  const problems: ConfigProblem[] = [];
  const notes = new ConfigNotes();
  const result = ask(new ConfigSection('c', value, problems, notes));
  return { result, messages: problems.map(formatProblem), notes };
}

const octal = new Expanded(83, '0123');
const unset = new Expanded(null, '');
const listed = new Expanded(['a', 'b'], '[a, b]');

for (const { ask, value, result, message } of [
  { ask: 'string', value: 'x', result: 'x' },
  { ask: 'string', value: undefined, result: 'default' },
  { ask: 'string', value: null, result: 'default' },
  { ask: 'string', value: '', result: '' },
  { ask: 'string', value: octal, result: '0123' },
  { ask: 'string', value: unset, result: '' },
  { ask: 'string', value: 4317, result: 'default', message: 'c.k: 4317 is not text; put it in quotes.' },
  { ask: 'string', value: true, result: 'default', message: 'c.k: true is not text; put it in quotes.' },
  { ask: 'string', value: ['x'], result: 'default', message: 'c.k: a list is not text; write text.' },
  { ask: 'string', value: { x: 1 }, result: 'default', message: 'c.k: a map is not text; write text.' },
  { ask: 'required', value: 'x', result: 'x' },
  { ask: 'required', value: undefined, result: '', message: 'c.k: is missing; write host:port.' },
  { ask: 'required', value: null, result: '', message: 'c.k: is empty; write host:port.' },
  { ask: 'required', value: unset, result: '', message: 'c.k: is empty; write host:port.' },
  { ask: 'required', value: 1, result: '', message: 'c.k: 1 is not text; put it in quotes.' },
  { ask: 'boolean', value: true, result: true },
  { ask: 'boolean', value: undefined, result: false },
  { ask: 'boolean', value: unset, result: false },
  { ask: 'boolean', value: new Expanded(true, 'true'), result: true },
  { ask: 'boolean', value: 'yes', result: false, message: 'c.k: "yes" is not true or false; write true or false.' },
  {
    ask: 'boolean',
    value: 'true',
    result: false,
    message: 'c.k: "true" is not true or false; write true without quotes.',
  },
  { ask: 'boolean', value: 1, result: false, message: 'c.k: 1 is not true or false; write true or false.' },
  { ask: 'integer', value: 5, result: 5 },
  { ask: 'integer', value: undefined, result: 7 },
  { ask: 'integer', value: null, result: 7 },
  { ask: 'integer', value: 1, result: 1 },
  { ask: 'integer', value: 10, result: 10 },
  { ask: 'integer', value: new Expanded(9, '9'), result: 9 },
  { ask: 'integer', value: 0, result: 7, message: 'c.k: 0 is out of range; write a whole number from 1 to 10.' },
  { ask: 'integer', value: 11, result: 7, message: 'c.k: 11 is out of range; write a whole number from 1 to 10.' },
  {
    ask: 'integer',
    value: 1.5,
    result: 7,
    message: 'c.k: 1.5 is not a whole number; write a whole number from 1 to 10.',
  },
  { ask: 'integer', value: '5', result: 7, message: 'c.k: "5" is not a whole number; write 5 without quotes.' },
  {
    ask: 'integer',
    value: 2 ** 53,
    result: 7,
    message: 'c.k: 9007199254740992 is not a whole number; write a whole number from 1 to 10.',
  },
  { ask: 'number', value: 0.5, result: 0.5 },
  { ask: 'number', value: 1.5, result: 0.1, message: 'c.k: 1.5 is out of range; write a number of at most 1.' },
  { ask: 'number', value: 'half', result: 0.1, message: 'c.k: "half" is not a number; write a number of at most 1.' },
  {
    ask: 'number',
    value: Infinity,
    result: 0.1,
    message: 'c.k: Infinity is not a number; write a number of at most 1.',
  },
  { ask: 'duration', value: '1m30s', result: 90_000 },
  { ask: 'duration', value: 5_000_000_000, result: 5_000 },
  { ask: 'duration', value: new Expanded(null, ''), result: 2_000 },
  { ask: 'duration', value: '5', result: 2_000, message: 'c.k: "5" is not a duration; add a unit, such as "5s".' },
  {
    ask: 'duration',
    value: 'soon',
    result: 2_000,
    message: 'c.k: "soon" is not a duration; write a duration of at least 1s.',
  },
  {
    ask: 'duration',
    value: '200ms',
    result: 2_000,
    message: 'c.k: "200ms" is out of range; write a duration of at least 1s.',
  },
  {
    ask: 'duration',
    value: 5,
    result: 2_000,
    message: 'c.k: 5 is out of range; add a unit, such as "5s": a number alone counts nanoseconds.',
  },
  { ask: 'milliseconds', value: 250, result: 250 },
  {
    ask: 'milliseconds',
    value: '250',
    result: 9,
    message: 'c.k: "250" is not a whole number of milliseconds; write 250 without quotes.',
  },
  {
    ask: 'milliseconds',
    value: 0,
    result: 9,
    message: 'c.k: 0 is out of range; write a whole number of milliseconds of at least 1.',
  },
  {
    ask: 'oneOf',
    value: 'GZIP',
    result: 'none',
    message: 'c.k: "GZIP" is not known here; did you mean "gzip"? Write one of none, gzip, zstd.',
  },
  { ask: 'anyCase', value: 'GZIP', result: 'gzip' },
  { ask: 'oneOf', value: 'gzip', result: 'gzip' },
  { ask: 'oneOf', value: undefined, result: 'none' },
  {
    ask: 'oneOf',
    value: 'gizp',
    result: 'none',
    message: 'c.k: "gizp" is not known here; did you mean "gzip"? Write one of none, gzip, zstd.',
  },
  {
    ask: 'oneOf',
    value: 'brotli',
    result: 'none',
    message: 'c.k: "brotli" is not known here; write one of none, gzip, zstd.',
  },
  { ask: 'oneOf', value: 1, result: 'none', message: 'c.k: 1 is not known here; write one of none, gzip, zstd.' },
  { ask: 'list', value: ['a', octal], result: ['a', '0123'] },
  { ask: 'list', value: 'a, b', result: ['a', 'b'] },
  { ask: 'list', value: '', result: [] },
  { ask: 'list', value: [], result: [] },
  { ask: 'list', value: undefined, result: ['default'] },
  { ask: 'list', value: null, result: ['default'] },
  { ask: 'list', value: listed, result: ['a', 'b'] },
  { ask: 'list', value: octal, result: ['0123'] },
  { ask: 'list', value: ['a', 1], result: ['a'], message: 'c.k[1]: 1 is not text; put it in quotes.' },
  { ask: 'list', value: 1, result: ['default'], message: 'c.k: 1 is not a list of texts; start each entry with "- ".' },
  {
    ask: 'list',
    value: { a: 1 },
    result: ['default'],
    message: 'c.k: a map is not a list of texts; start each entry with "- ".',
  },
  { ask: 'map', value: { a: 'x', b: octal, c: null }, result: { a: 'x', b: '0123', c: '' } },
  { ask: 'map', value: undefined, result: {} },
  {
    ask: 'map',
    value: [
      { name: 'a', value: 'x' },
      { name: 'b', value: octal },
    ],
    result: { a: 'x', b: '0123' },
  },
  { ask: 'map', value: { a: 1, b: 'x' }, result: { b: 'x' }, message: 'c.k.a: 1 is not text; put it in quotes.' },
  { ask: 'map', value: 'x', result: {}, message: 'c.k: "x" is not a map; write names and texts below it.' },
  {
    ask: 'map',
    value: [{ value: 'x' }],
    result: {},
    message: 'c.k[0]: the entry has no name; write "name:" and "value:".',
  },
  { ask: 'map', value: ['x'], result: {}, message: 'c.k[0]: the entry has no name; write "name:" and "value:".' },
  {
    ask: 'map',
    value: [{ name: 'a', vaule: 'x' }],
    result: { a: '' },
    message: 'c.k[0].vaule: unknown key; use name and value.',
  },
  {
    ask: 'map',
    value: [{ name: 'a', value: 2 }],
    result: {},
    message: 'c.k[0].value: 2 is not text; put it in quotes.',
  },
  {
    ask: 'map',
    value: ['a', 'b', 'a', 'b', 'a'].map((name) => ({ name, value: 'x' })),
    result: { a: 'x', b: 'x' },
    message: 'c.k: duplicate keys in map-style list: [a b]; keep one entry of each name.',
  },
] as readonly { ask: keyof typeof questions; value: unknown; result: unknown; message?: string }[]) {
  test(`ConfigSection reads ${ask} from ${inspect(value, { breakLength: Infinity })}`, () => {
    const answer = read(value === undefined ? {} : { k: value }, questions[ask]);
    assert.deepEqual(answer.result, result);
    assert.deepEqual(answer.messages, message === undefined ? [] : [message]);
  });
}

const questions = {
  string: (section: ConfigSection) => section.string('k', 'default'),
  required: (section: ConfigSection) => section.requiredString('k', 'host:port'),
  boolean: (section: ConfigSection) => section.boolean('k', false),
  integer: (section: ConfigSection) => section.integer('k', 7, { min: 1, max: 10 }),
  number: (section: ConfigSection) => section.number('k', 0.1, { max: 1 }),
  duration: (section: ConfigSection) => section.durationMs('k', 2_000, { min: 1_000 }),
  oneOf: (section: ConfigSection) => section.oneOf('k', 'none', ['none', 'gzip', 'zstd']),
  milliseconds: (section: ConfigSection) => section.milliseconds('k', 9, { min: 1 }),
  anyCase: (section: ConfigSection) => section.oneOf('k', 'none', ['none', 'gzip'], { ignoreCase: true }),
  list: (section: ConfigSection) => section.stringList('k', ['default']),
  map: (section: ConfigSection) => Object.fromEntries(section.stringMap('k')),
};

test('ConfigSection shows how a duration is written where nothing bounds it', () => {
  const { messages } = read({ k: 'soon' }, (section) => section.durationMs('k', 0));
  assert.deepEqual(messages, ['c.k: "soon" is not a duration; write a duration such as "5s" or "200ms".']);
});

test('ConfigSection warns of a duration without a unit that it takes', () => {
  const { result, messages, notes } = read({ k: 30 }, (section) => section.durationMs('k', 0));
  assert.deepEqual([result, messages], [0.000_03, []]);
  assert.deepEqual(notes.warnings, ['c.k: 30 without a unit counts nanoseconds; write "30s" if seconds are meant.']);
});

test('ConfigSection shortens a long value in a message', () => {
  const { messages } = read({ k: 'x'.repeat(1_000) }, (section) => section.integer('k', 0));
  assert.equal(messages[0], `c.k: "${'x'.repeat(79)}… is not a whole number; write a whole number.`);
});

for (const { name, value, message } of [
  { name: 'a number', value: 1234, message: 'c.k: the value is not text; put it in quotes.' },
  { name: 'a list', value: ['hunter2'], message: 'c.k: the value is not text; put it in quotes.' },
]) {
  test(`ConfigSection refuses ${name} as a secret without telling it`, () => {
    const { result, messages } = read({ k: value }, (section) => section.opaque('k').reveal());
    assert.deepEqual([result, messages], ['', [message]]);
  });
}

test('ConfigSection reads a secret that prints as redacted, and notes its path', () => {
  const { result, notes } = read({ k: octal }, (section) => section.opaque('k'));
  assert.equal(String(result), '[REDACTED]');
  assert.deepEqual([...notes.opaquePaths], ['c.k']);
  assert.equal(read({ k: octal }, (section) => section.opaque('k').reveal()).result, '0123');
  assert.equal(read({}, (section) => section.opaque('k', 'fallback').reveal()).result, 'fallback');
});

test('ConfigSection reads headers as secrets from a map and from a list', () => {
  for (const headers of [
    { a: 'x', b: 'y' },
    [
      { name: 'a', value: 'x' },
      { name: 'b', value: 'y' },
    ],
  ]) {
    const { result, messages } = read({ headers }, (section) =>
      Array.from(section.opaqueMap('headers'), ([name, value]) => [name, String(value), value.reveal()]),
    );
    assert.deepEqual(result, [
      ['a', '[REDACTED]', 'x'],
      ['b', '[REDACTED]', 'y'],
    ]);
    assert.deepEqual(messages, []);
  }
});

test('ConfigSection never tells the value of a header', () => {
  for (const headers of [{ a: 4711 }, [{ name: 'a', value: 4711 }], 'Bearer 4711', [4711]]) {
    const { messages } = read({ headers }, (section) => section.opaqueMap('headers'));
    assert.equal(messages.length, 1);
    assert.doesNotMatch(messages[0]!, /4711/);
  }
});

for (const { value, has, isOn, message } of [
  { value: {}, has: false, isOn: false },
  { value: { k: null }, has: true, isOn: true },
  { value: { k: {} }, has: true, isOn: true },
  { value: { k: { x: 1 } }, has: true, isOn: true },
  { value: { k: { enabled: true } }, has: true, isOn: true },
  { value: { k: { enabled: false, unknown: 1 } }, has: true, isOn: false },
  { value: { k: { enabled: new Expanded(false, 'false') } }, has: true, isOn: false },
  { value: { k: unset }, has: true, isOn: true },
  {
    value: { k: { enabled: 'no' } },
    has: true,
    isOn: true,
    message: 'c.k.enabled: "no" is not true or false; write true or false.',
  },
  { value: { k: 5 }, has: true, isOn: true, message: 'c.k: 5 is not a map; write keys and values below it.' },
  { value: { k: [] }, has: true, isOn: true, message: 'c.k: a list is not a map; write keys and values below it.' },
] as const) {
  test(`ConfigSection takes ${inspect(value)} as ${isOn ? 'on' : 'off'}`, () => {
    const answer = read(value, (section) => [section.has('k'), section.optionalSection('k') !== undefined]);
    assert.deepEqual(answer.result, [has, isOn]);
    assert.deepEqual(answer.messages, message === undefined ? [] : [message]);
  });
}

test('ConfigSection gives the same section at every call, so that keys read in two places are known in both', () => {
  const { messages } = read({ tls: { insecure: true, ca_file: 'x', cafile: 'y' } }, (section) => {
    section.section('tls').boolean('insecure', false);
    section.section('tls').string('ca_file', '');
    section.section('tls').end();
    section.end();
  });
  assert.deepEqual(messages, ['c.tls.cafile: unknown key; did you mean "ca_file"? Rename or remove it.']);
});

test('ConfigSection reports the fault of a key that is read twice once', () => {
  const { messages } = read({ k: 'x' }, (section) => [section.integer('k', 0), section.integer('k', 0)]);
  assert.deepEqual(messages, ['c.k: "x" is not a whole number; write a whole number.']);
});

test('ConfigSection reports a section that is no map once', () => {
  const { messages } = read({ tls: 5 }, (section) => [section.section('tls'), section.section('tls')]);
  assert.deepEqual(messages, ['c.tls: 5 is not a map; write keys and values below it.']);
});

test('ConfigSection reads a list of maps, with the index in each path', () => {
  const { result, messages } = read({ k: [{ port: 1 }, { port: 'x' }, null, 5] }, (section) =>
    section.sections('k').map((item) => item.integer('port', 0)),
  );
  assert.deepEqual(result, [1, 0, 0, 0]);
  assert.deepEqual(messages, [
    'c.k[3]: 5 is not a map; write keys and values below it.',
    'c.k[1].port: "x" is not a whole number; write a whole number.',
  ]);
});

test('ConfigSection refuses a map in place of a list of maps', () => {
  const { result, messages } = read({ k: { port: 1 } }, (section) => section.sections('k').length);
  assert.deepEqual([result, messages], [0, ['c.k: a map is not a list; start each entry with "- ".']]);
});

for (const { known, key, message } of [
  {
    known: ['endpoint', 'timeout'],
    key: 'endpiont',
    message: 'c.endpiont: unknown key; did you mean "endpoint"? Rename or remove it.',
  },
  {
    known: ['timeout', 'endpoint'],
    key: 'colour',
    message: 'c.colour: unknown key; remove it, or use one of endpoint, timeout.',
  },
  { known: [], key: 'x', message: 'c.x: unknown key; remove it: nothing can be set here.' },
]) {
  test(`ConfigSection says of ${key} that it is unknown`, () => {
    const { messages } = read({ [key]: 1 }, (section) => {
      for (const name of known) section.string(name, '');
      section.end();
    });
    assert.deepEqual(messages, [message]);
  });
}

test('ConfigSection knows no key of the prototype', () => {
  const { result, messages } = read(JSON.parse('{"__proto__": {"a": 1}}'), (section) => {
    section.end();
    return [section.has('toString'), section.has('constructor'), section.string('toString', 'default')];
  });
  assert.deepEqual(result, [false, false, 'default']);
  assert.equal(messages.length, 1);
});

test('ConfigSection is silent about values that could not be expanded', () => {
  const problems: ConfigProblem[] = [];
  const notes = new ConfigNotes();
  notes.unreadablePaths.add('c.endpoint').add('c.list[0]');
  const section = new ConfigSection('c', { endpoint: unset, endpoints: 5, list: [5] }, problems, notes);
  section.requiredString('endpoint', 'host:port');
  section.addProblem('endpoint.port', 'is missing', 'write it');
  section.string('endpoints', '');
  section.stringList('list', []);
  assert.deepEqual(
    problems.map(({ path }) => path),
    ['c.endpoints'],
  );
});

test('a ConfigSection at the top has paths without a leading dot', () => {
  const problems: ConfigProblem[] = [];
  new ConfigSection('', { service: 5 }, problems).section('service');
  new ConfigSection('', ['x'], problems);
  assert.deepEqual(problems.map(formatProblem), [
    'service: 5 is not a map; write keys and values below it.',
    'a list is not a map; write keys and values below it.',
  ]);
});

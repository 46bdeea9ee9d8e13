import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  choice,
  converted,
  duration,
  flag,
  ifPresent,
  integer,
  integerOf,
  optionalSection,
  readLater,
  secretMap,
  section,
  sectionIfPresent,
  sections,
  text,
} from '../../src/config/config-keys.ts';
import { ConfigSection } from '../../src/config/config-section.ts';
import type { ConfigKey } from '../../src/config/config-table.ts';
import { configTable } from '../../src/config/config-table.ts';

const inner = configTable({
  about: 'An inner section.',
  keys: { size: integer('size', { fallback: 2, min: 1 }, 'A size.') },
});

const table = configTable(
  {
    about: 'A section.',
    keys: {
      isOn: flag('on', { fallback: true }, 'A switch.'),
      waitMs: duration('wait', { fallback: 5_000 }, 'A wait.'),
      bytes: integerOf(1024, 'size_kib', { fallback: 4 }, 'A size.'),
      mode: choice('mode', { choices: ['a', 'b'], fallback: 'a' }, 'A mode.'),
      name: converted(text('name', { fallback: 'X' }, 'A name.'), (name) => name.toLowerCase()),
      given: ifPresent(integer('given', { fallback: 7 }, 'A number.')),
      later: readLater(integer('later', { fallback: 7 }, 'A number.')),
      headers: secretMap('headers', 'Headers.'),
      always: section('always', inner),
      optional: optionalSection('optional', inner),
      present: sectionIfPresent('present', inner),
      list: sections('list', inner),
    },
    ignored: { buffer: 'buffers are ours' },
    refused: { old: ['is old', 'remove it'] },
    check: ({ waitMs }, own) => {
      if (waitMs > 60_000) own.addProblem('wait', 'is long', 'shorten it');
    },
  },
  ({ later, ...values }, own) => ({ ...values, later: own.integer('later', values.isOn ? 1 : 2) }),
);

function readAll(values: Record<string, unknown>) {
  const problems: { path: string }[] = [];
  const read = new ConfigSection('t', values, problems as ConstructorParameters<typeof ConfigSection>[2]);
  return { config: table.read(read), faults: problems.map(({ path }) => path), completed: read.completed() };
}

test('a table reads every default', () => {
  assert.deepEqual(readAll({}), {
    config: {
      isOn: true,
      waitMs: 5_000,
      bytes: 4096,
      mode: 'a',
      name: 'x',
      given: undefined,
      headers: new Map(),
      always: { size: 2 },
      optional: undefined,
      present: undefined,
      list: [],
      later: 1,
    },
    faults: [],
    completed: { on: true, wait: '5s', size_kib: 4, mode: 'a', name: 'X', later: 1, always: { size: 2 } },
  });
});

test('a table reads every value, and what it comes to is as written with the defaults beside it', () => {
  const { config, faults, completed } = readAll({
    on: false,
    wait: '90s',
    given: 0,
    optional: null,
    present: { size: 9 },
    list: [{ size: 3 }, null],
    buffer: 1,
  });
  assert.deepEqual(
    [config.given, config.later, config.optional, config.present, config.list],
    [0, 2, { size: 2 }, { size: 9 }, [{ size: 3 }, { size: 2 }]],
  );
  assert.deepEqual(faults, ['t.wait']);
  assert.deepEqual(completed, {
    on: false,
    wait: '90s',
    size_kib: 4,
    mode: 'a',
    name: 'X',
    given: 0,
    later: 2,
    buffer: 1,
    always: { size: 2 },
    optional: { enabled: true, size: 2 },
    present: { size: 9 },
    list: [{ size: 3 }, { size: 2 }],
  });
});

test('a table reports all faults at once: of keys, of unknown and of refused ones', () => {
  const { faults } = readAll({ wait: 'long', always: { size: 0, sise: 1 }, list: {}, old: 1, modus: 'a' });
  assert.deepEqual(faults, ['t.wait', 't.always.size', 't.always.sise', 't.list', 't.old', 't.modus']);
});

test('the type of a table is that of its keys', () => {
  const { config } = readAll({});
  // Fails to compile if a key lost its type.
  const mode: 'a' | 'b' = config.mode;
  const given: number | undefined = config.given;
  const key: ConfigKey<number> = duration('wait', { fallback: 1 }, 'A wait.');
  assert.deepEqual([mode, given, key.form], ['a', undefined, { kind: 'duration', fallback: 1 }]);
});

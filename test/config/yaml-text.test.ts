// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references are what this file is about
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseYaml } from '../../src/config/yaml-text.ts';

for (const { text, value } of [
  { text: '', value: null },
  { text: '~', value: null },
  { text: '# only a comment', value: null },
  { text: 'a: 1\nb: [x, true, null]', value: { a: 1, b: ['x', true, null] } },
  { text: '{"a": {"b": "c"}}', value: { a: { b: 'c' } } },
  { text: 'a: 123', value: { a: 123 } },
  { text: 'a: -123', value: { a: -123 } },
  { text: 'a: 0', value: { a: 0 } },
  { text: 'a: 0123', value: { a: 83 } },
  { text: 'a: -0123', value: { a: -83 } },
  { text: 'a: 0o17', value: { a: 15 } },
  { text: 'a: 0x1F', value: { a: 31 } },
  { text: 'a: 0b101', value: { a: 5 } },
  { text: 'a: 1_000_000', value: { a: 1_000_000 } },
  { text: 'a: 0129', value: { a: 129 } },
  { text: 'a: 0b2', value: { a: '0b2' } },
  { text: 'a: 0x', value: { a: '0x' } },
  { text: 'a: 1.5', value: { a: 1.5 } },
  { text: 'a: 1e3', value: { a: 1000 } },
  { text: 'a: "0123"', value: { a: '0123' } },
  { text: 'a: yes', value: { a: 'yes' } },
  { text: 'a: 2026-01-01', value: { a: '2026-01-01' } },
  { text: 'a: 5s', value: { a: '5s' } },
  { text: 'a: ${env:X:-y}', value: { a: '${env:X:-y}' } },
  { text: '9: x\ntrue: y\nnull: z', value: { 9: 'x', true: 'y', null: 'z' } },
  { text: 'a: &x {b: 1}\nc: *x\nd: {<<: *x, e: 2}', value: { a: { b: 1 }, c: { b: 1 }, d: { b: 1, e: 2 } } },
]) {
  test(`parseYaml reads ${JSON.stringify(text)}`, () => {
    assert.deepEqual(parseYaml(text), { kind: 'value', value, warnings: [] });
  });
}

const bomb = Array.from({ length: 12 }, (_, i) => `k${i}: &a${i} [${`*a${i - 1},`.repeat(i === 0 ? 0 : 10)} x]`).join(
  '\n',
);

for (const { name, text, fault } of [
  {
    name: 'a duplicate key',
    text: 'a: 1\nb: 2\na: 3',
    fault: { line: 3, column: 1, problem: 'the same key appears twice in one map' },
  },
  { name: 'a tab', text: 'a:\n\tb: 1', fault: { line: 2, column: 1, problem: 'a tab is used as indentation' } },
  {
    name: 'a second document',
    text: 'a: 1\n---\nb: 2',
    fault: { line: 2, column: 1, problem: 'a second document starts here' },
  },
  {
    name: 'a list as a key',
    text: 'a: {? [x]: 1}',
    fault: { line: 1, column: 7, problem: 'a key is a list or a map' },
  },
  { name: 'a list without an end', text: 'a: [1,', fault: { line: 1, column: 7, problem: /flow sequence/i } },
  { name: 'a wrong escape', text: 'a: "\\q"', fault: { line: 1, column: 5, problem: /invalid escape/ } },
  { name: 'a reserved character', text: 'a: @x', fault: { line: 1, column: 4, problem: /plain value cannot start/ } },
  { name: 'two keys in a line', text: 'a: b: c', fault: { line: 1, column: 4, problem: /nested mappings/ } },
  {
    name: 'an alias to nothing',
    text: 'a: *nope',
    fault: { line: 0, column: 0, problem: /^unresolved alias \(the anchor must be set before the alias\); put a text/ },
  },
  { name: 'an alias bomb', text: bomb, fault: { line: 0, column: 0, problem: /excessive alias count/ } },
  {
    name: 'an alias of itself',
    text: 'a: &x [*x, *x]',
    fault: { line: 0, column: 0, problem: 'the nesting is deeper than 64 levels' },
  },
  {
    name: 'too deep nesting',
    text: `${'['.repeat(70)}${']'.repeat(70)}`,
    fault: { line: 0, column: 0, problem: 'the nesting is deeper than 64 levels' },
  },
  {
    name: 'nesting that would end the stack',
    text: '['.repeat(50_000),
    fault: { line: 1, column: undefined, problem: 'the nesting is too deep' },
  },
  {
    name: 'too many values',
    text: `[${'1,'.repeat(100_001)}]`,
    fault: { line: 0, column: 0, problem: 'there are more than 100000 values' },
  },
]) {
  test(`parseYaml refuses ${name}`, () => {
    const result = parseYaml(text);
    assert.ok(result.kind === 'faults');
    const [first] = result.faults;
    assert.equal(first!.line, fault.line);
    if (fault.column !== undefined) assert.equal(first!.column, fault.column);
    if (fault.problem instanceof RegExp) assert.match(first!.problem, fault.problem);
    else assert.equal(first!.problem, fault.problem);
    assert.doesNotMatch(first!.problem, /\n/);
  });
}

test('parseYaml reports every syntax error', () => {
  const result = parseYaml('a: 1\na: 2\nb: 1\nb: 2');
  assert.deepEqual(result.kind === 'faults' && result.faults.map(({ line }) => line), [2, 4]);
});

test('parseYaml warns of a tag that it does not know', () => {
  const result = parseYaml('a: !secret x');
  assert.ok(result.kind === 'value');
  assert.deepEqual(
    [result.value, result.warnings],
    [{ a: 'x' }, ['unresolved tag; put a text that begins with "*" or "!" in quotes']],
  );
});

test('parseYaml keeps __proto__ as a key like others', () => {
  const result = parseYaml('__proto__: {polluted: true}');
  assert.ok(result.kind === 'value');
  assert.deepEqual(Object.entries(result.value as object), [['__proto__', { polluted: true }]]);
  assert.equal(({} as Record<string, unknown>).polluted, undefined);
});

test('parseYaml answers for any text', () => {
  const pieces = fc.constantFrom(
    'a',
    ': ',
    '\n',
    '  ',
    '- ',
    '[',
    ']',
    '{',
    '}',
    '&x ',
    '*x',
    '|',
    '>',
    '"',
    "'",
    '#',
    '<<',
    '!!int ',
    '%',
    '0x',
    '?',
  );
  const texts = fc.oneof(
    fc.string(),
    fc.array(pieces, { maxLength: 30 }).map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(texts, (text) => void parseYaml(text)),
    { numRuns: 300 },
  );
});

test('parseYaml takes 20,000 keys in a second of CPU', () => {
  const text = Array.from({ length: 20_000 }, (_, i) => `key${i}: {}`).join('\n');
  const began = process.cpuUsage();
  assert.equal(parseYaml(text).kind, 'value');
  const { user } = process.cpuUsage(began);
  // 20 s when each key was compared with all before it.
  assert.ok(user < 5_000_000, `${user / 1e6} s`);
});

test('parseYaml tells of a hundred faults at most', () => {
  const text = Array.from({ length: 300 }, () => 'a: 1').join('\n');
  const result = parseYaml(text);
  assert.ok(result.kind === 'faults' && result.faults.length === 100);
});

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references are what this file is about
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Expanded } from '../../src/config/config-value.ts';
import { expandTemplate, Unresolvable } from '../../src/config/template.ts';

// Each reference stands for its own inside in angle brackets.
const marked = (inside: string): string => `<${inside}>`;

for (const [text, expanded] of [
  ['', ''],
  ['plain', 'plain'],
  ['${A}', '<A>'],
  ['a${A}b', 'a<A>b'],
  ['${A}${B}', '<A><B>'],
  ['${A}:${B}', '<A>:<B>'],
  ['${env:A${B}}', '<env:A<B>>'],
  ['${1${2${3}}}', '<1<2<3>>>'],
  ['${}', '<>'],
  ['$A', '$A'],
  ['a$', 'a$'],
  ['{A}', '{A}'],
  ['A}', 'A}'],
  ['}}}', '}}}'],
  ['${A', '${A'],
  ['${A${B}', '${A<B>'],
  ['${A}${B', '<A>${B'],
  ['A}${B}', 'A}<B>'],
  ['${A}}}', '<A>}}'],
  ['${A}${${${B}', '<A>${${<B>'],
  ['$$', '$'],
  ['a$$b', 'a$b'],
  ['$${A}', '${A}'],
  ['$$${A}', '$<A>'],
  ['$$$${A}', '$${A}'],
  ['$$$$$', '$$$'],
  ['$${A} and ${B}', '${A} and <B>'],
  ['${A} and $${B}', '<A> and ${B}'],
  ['a\n${A\nB}', 'a\n<A\nB>'],
] as const) {
  test(`expandTemplate reads ${JSON.stringify(text)}`, () => assert.equal(expandTemplate(text, marked), expanded));
}

test('expandTemplate keeps the type of a reference that is the whole text', () => {
  const number = new Expanded(83, '0123');
  assert.equal(
    expandTemplate('${A}', () => number),
    number,
  );
  assert.equal(
    expandTemplate('${A} ', () => number),
    '0123 ',
  );
  assert.equal(
    expandTemplate('${A}${A}', () => number),
    '01230123',
  );
  assert.equal(
    expandTemplate('${x${A}}', (inside) => (inside === 'A' ? number : inside)),
    'x0123',
  );
});

test('expandTemplate does not read what a reference stands for', () => {
  assert.equal(
    expandTemplate('${A}{B}', () => '$'),
    '${B}',
  );
  assert.equal(
    expandTemplate('a ${A}', () => '${B} $$'),
    'a ${B} $$',
  );
});

test('expandTemplate refuses a typed value without a text inside a text', () => {
  assert.throws(() => expandTemplate('a ${A}', () => new Expanded(true, undefined)), Unresolvable);
});

test('expandTemplate refuses to make a text longer than 4 MiB', () => {
  const mebibyte = 'x'.repeat(1024 * 1024);
  assert.equal(String(expandTemplate('${A}${A}${A}${A}', () => mebibyte)).length, 4 * 1024 * 1024);
  assert.throws(() => expandTemplate('${A}${A}${A}${A} ', () => mebibyte), /longer than 4 MiB/);
});

test('expandTemplate takes time in proportion to the text', () => {
  const open = '${'.repeat(100_000);
  assert.equal(expandTemplate(open, marked), open);
  const nested = `${'${'.repeat(2_000)}${'}'.repeat(2_000)}`;
  assert.equal(
    expandTemplate(nested, () => 'x'),
    'x',
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LinearRegExp } from '../../src/support/linear-regexp.ts';

/** Expressions that both engines read alike: nothing is repeated that may be empty, where they are allowed to differ. */
const letters = fc.constantFrom('a', 'b', 'c', '.', '[ab]', '[^a]', '[a-b]', '\\w', '\\d', '\\bab', '(?:ab|c)');
const repeats = fc.constantFrom('', '', '?', '??', '+', '+?', '*', '*?', '{2}', '{1,2}', '{0,2}?');
const expressions = fc.letrec<{ whole: string; part: string }>((tie) => ({
  whole: fc
    .array(fc.array(tie('part'), { maxLength: 3 }), { minLength: 1, maxLength: 3 })
    .map((ways) => ways.map((way) => way.join('')).join('|')),
  part: fc.oneof(
    { depthSize: 'small' },
    fc.tuple(letters, repeats).map(([letter, repeat]) => (letter === '\\bab' ? letter : letter + repeat)),
    tie('whole').map((inner) => `(${inner})`),
  ),
})).whole;

test('LinearRegExp finds what a backtracking engine finds, with the same groups', () => {
  fc.assert(
    fc.property(expressions, fc.array(fc.constantFrom('a', 'b', 'c', '1', ' '), { maxLength: 8 }), (source, points) => {
      const text = points.join('');
      // Groups of an iteration before stay in RE2 and are cleared in JavaScript: compared is the whole match.
      const expected = new RegExp(source, 'u').exec(text)?.[0];
      assert.equal(new LinearRegExp(source).exec(text)?.groups[0], expected, `${source} on "${text}"`);
    }),
    { endOnFailure: true, numRuns: 2000 },
  );
});

test('LinearRegExp needs no longer for an expression over which others backtrack', () => {
  const expression = new LinearRegExp('^(a+)+$');
  const start = process.cpuUsage();
  assert.equal(expression.test(`${'a'.repeat(4000)}!`), false);
  const { user } = process.cpuUsage(start);
  assert.ok(user < 2_000_000, `${user} µs`);
});

for (const { source, text, groups } of [
  { source: '^(?P<pod>[a-z-]+)-(?<hash>[0-9a-f]{4,})$', text: 'shop-12ab', groups: { pod: 'shop', hash: '12ab' } },
  { source: '(?i)^KUBE-(?P<rest>.*)', text: 'kube-System', groups: { rest: 'System' } },
  { source: '(?i:a)b(?P<x>[[:digit:]]+)', text: 'Ab12', groups: { x: '12' } },
  { source: '(?P<x>\\x41\\x{1F600}\\p{L})', text: 'A😀é', groups: { x: 'A😀é' } },
  { source: '\\A(?P<x>[\\d.-]+)\\z', text: '1.2-3', groups: { x: '1.2-3' } },
  { source: '(?s)a(?P<x>.)b', text: 'a\nb', groups: { x: '\n' } },
  { source: '(?P<x>[]a]+)', text: 'x]a', groups: { x: ']a' } },
]) {
  test(`LinearRegExp reads ${source} as RE2 does`, () => {
    assert.deepEqual(Object.fromEntries(new LinearRegExp(source).exec(text)?.named ?? []), groups);
  });
}

for (const { source, fault } of [
  { source: '(?=a)', fault: '"(?=" is not known; there are no lookarounds' },
  { source: '(a)\\1', fault: 'the escape "\\1" is not known; there are no back references' },
  { source: 'a**', fault: 'nothing to repeat before a second repetition' },
  { source: '*a', fault: 'nothing to repeat before "*"' },
  { source: '(a', fault: 'missing ")"' },
  { source: 'a)', fault: 'unmatched ")"' },
  { source: '[a', fault: 'missing "]"' },
  { source: '[b-a]', fault: 'the range from "b" has no end above it' },
  { source: 'a{2000}', fault: 'the repetition {2000} is out of range' },
  { source: '(?:a{100}){100}', fault: 'the expression is too large' },
  { source: '('.repeat(101), fault: 'groups are nested too deeply' },
  { source: 'a\\', fault: 'a backslash stands at the end' },
]) {
  test(`LinearRegExp refuses ${source.slice(0, 20)}`, () => {
    assert.throws(() => new LinearRegExp(source), new SyntaxError(fault));
  });
}

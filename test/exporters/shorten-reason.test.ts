import assert from 'node:assert/strict';
import { test } from 'node:test';
import { maxReasonLength, shortenReason } from '../../src/exporters/shorten-reason.ts';

/** As Pyroscope writes it (pkg/validation), with labels of any length before the reason. */
const seriesError = (labels: string, reason = 'has 36 label names; limit 30'): string =>
  `invalid_argument: profile series '{${labels}}' ${reason}`;

for (const { name, text, shown } of [
  { name: 'keeps a short reason as it is', text: 'too old', shown: 'too old' },
  { name: 'writes several lines as one', text: ' too\n\told \r\n', shown: 'too old' },
  {
    name: 'keeps the first error of a list whole and counts the others',
    text: `3 errors: ${[1, 2, 3].map((number) => seriesError(`a="${number}; b"`)).join('; ')}`,
    shown: `${seriesError('a="1; b"')} (the first of 3 errors)`,
  },
  {
    name: 'knows lists with stars',
    text: 'push failed: 2 errors occurred:\n\t* a is too old\n\t* b is too new\n\n',
    shown: 'push failed: a is too old (the first of 2 errors)',
  },
]) {
  test(`shortenReason ${name}`, () => assert.equal(shortenReason(text), shown));
}

for (const labelLength of [600, 900, 5_000]) {
  test(`shortenReason keeps the reason behind ${labelLength} characters of labels, and the beginning`, () => {
    const shown = shortenReason(seriesError('k8s="x", '.repeat(labelLength / 9)));
    assert.ok(shown.length <= maxReasonLength);
    assert.match(shown, /^invalid_argument: profile series '.*has 36 label names; limit 30$/s);
  });
}

test('shortenReason is bounded for many series with long labels, and still ends with a reason', () => {
  const errors = Array.from({ length: 500 }, () => seriesError('k8s="x", '.repeat(300)));
  const shown = shortenReason(`500 errors: ${errors.join('; ')}`);
  assert.ok(shown.length <= maxReasonLength);
  assert.match(shown, /limit 30 \(the first of 500 errors\)$/);
});

test('shortenReason takes time in proportion to a text, whatever it says', () => {
  const began = process.cpuUsage().user;
  for (const text of ['1 errors: '.repeat(10_000), '9'.repeat(100_000), ' '.repeat(100_000), '; '.repeat(50_000)]) {
    assert.ok(shortenReason(text).length <= maxReasonLength);
  }
  assert.ok(process.cpuUsage().user - began < 2_000_000);
});

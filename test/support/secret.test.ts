import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { Secret } from '../../src/support/secret.ts';

const secret = new Secret('hunter2');

for (const { name, printed } of [
  { name: 'String', printed: String(secret) },
  { name: 'a template', printed: `${secret}` },
  { name: 'JSON', printed: JSON.parse(JSON.stringify({ secret })).secret },
  { name: 'util.inspect', printed: inspect(secret) },
  {
    name: 'util.inspect of what holds it',
    printed: inspect(new Map([['authorization', secret]]), { depth: 9, showHidden: true }),
  },
]) {
  test(`Secret is redacted by ${name}`, () => {
    assert.match(printed, /\[REDACTED\]/);
    assert.doesNotMatch(printed, /hunter2/);
  });
}

test('Secret gives its text by reveal alone', () => {
  assert.equal(secret.reveal(), 'hunter2');
  assert.deepEqual(Object.entries(secret), []);
});

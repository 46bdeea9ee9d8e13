import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fnv128a } from '../../src/model/file-id.ts';

// Published vectors of the 128-bit FNV-1a (http://www.isthe.com/chongo/src/fnv/test_fnv.c).
for (const { text, hash } of [
  { text: '', hash: '6c62272e07bb014262b821756295c58d' },
  { text: 'a', hash: 'd228cb696f1a8caf78912b704e4a8964' },
  { text: 'foobar', hash: '343e1662793c64bf6f0d3597ba446f18' },
]) {
  test(`fnv128a of "${text}" is the published one`, () => assert.equal(fnv128a(text), hash));
}

test('fnv128a runs through its parts as if they were one', () => {
  assert.equal(fnv128a('foo', Buffer.from('bar')), fnv128a('foobar'));
});

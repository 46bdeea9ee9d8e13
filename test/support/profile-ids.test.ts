import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { partId } from '../../src/profile/split/later-part.ts';
import { parseHops } from '../../src/support/hops.ts';
import { hasPrefix, ProfileIds } from '../../src/support/profile-ids.ts';

test('profile IDs of one process differ, and are known by their beginning, as are those of their parts', () => {
  const own = new ProfileIds(randomBytes);
  const id = own.create();
  assert.equal(id.length, 16);
  assert.notDeepEqual(own.create(), id);
  assert.equal(hasPrefix(id, 0, own.prefix), true);
  const part = partId(id, 7);
  assert.notDeepEqual(part, id);
  assert.notDeepEqual(part, partId(id, 8));
  assert.equal(hasPrefix(part, 0, own.prefix), true);
});

test('profile IDs of others, IDs that are too short and IDs of nobody are not own ones', () => {
  const own = new ProfileIds(randomBytes);
  assert.equal(hasPrefix(new ProfileIds(randomBytes).create(), 0, own.prefix), false);
  assert.equal(hasPrefix(own.create().subarray(0, 7), 0, own.prefix), false);
  assert.equal(hasPrefix(new Uint8Array(), 0, own.prefix), false);
  assert.equal(hasPrefix(own.create(), 0, undefined), false);
});

test('hops are the number in the first value of their header, or none', () => {
  for (const [values, hops] of [
    [[], 0],
    [['3'], 3],
    [['3', '9'], 3],
    [['-1'], 0],
    [['9999999999999'], 0],
    [['x'], 0],
  ] as const) {
    assert.equal(parseHops(values), hops, values.join());
  }
});

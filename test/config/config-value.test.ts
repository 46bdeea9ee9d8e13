import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ConfigValue } from '../../src/config/config-value.ts';
import { merge } from '../../src/config/config-value.ts';

for (const { name, earlier, later, merged, wiped = [] } of [
  { name: 'joins maps', earlier: { a: 1 }, later: { b: 2 }, merged: { a: 1, b: 2 } },
  {
    name: 'joins maps at every depth',
    earlier: { a: { b: { c: 1, d: 2 } } },
    later: { a: { b: { d: 3 } } },
    merged: { a: { b: { c: 1, d: 3 } } },
  },
  { name: 'replaces scalars', earlier: { a: 1 }, later: { a: 'x' }, merged: { a: 'x' } },
  { name: 'replaces lists as a whole', earlier: { a: [1, 2, 3] }, later: { a: [4] }, merged: { a: [4] } },
  { name: 'replaces a map by a scalar', earlier: { a: { b: 1 } }, later: { a: 2 }, merged: { a: 2 } },
  { name: 'replaces a scalar by a map', earlier: { a: 2 }, later: { a: { b: 1 } }, merged: { a: { b: 1 } } },
  {
    name: 'keeps a map when an empty one follows',
    earlier: { a: { b: 1 } },
    later: { a: {} },
    merged: { a: { b: 1 } },
  },
  {
    name: 'wipes a map when nothing follows, and says so',
    earlier: { a: { b: { c: 1 } } },
    later: { a: { b: null } },
    merged: { a: { b: null } },
    wiped: ['a.b'],
  },
  { name: 'says nothing of an empty map that is wiped', earlier: { a: {} }, later: { a: null }, merged: { a: null } },
  { name: 'fills in nothing', earlier: { a: null }, later: { a: { b: 1 } }, merged: { a: { b: 1 } } },
] as readonly { name: string; earlier: ConfigValue; later: ConfigValue; merged: ConfigValue; wiped?: string[] }[]) {
  test(`merge ${name}`, () => {
    const heard: string[] = [];
    assert.deepEqual(
      merge(earlier, later, (path) => heard.push(path)),
      merged,
    );
    assert.deepEqual(heard, wiped);
  });
}

test('merge keeps __proto__ as a key like others', () => {
  const later = JSON.parse('{"__proto__": {"polluted": true}}');
  assert.deepEqual(Object.keys(merge({ a: 1 }, later) as object), ['a', '__proto__']);
  assert.equal(({} as Record<string, unknown>).polluted, undefined);
});

test('merge leaves its inputs alone, and the same again changes nothing', () => {
  const tree = fc.letrec<{ value: ConfigValue; map: ConfigValue }>((tie) => ({
    value: fc.oneof({ depthSize: 'small' }, fc.constantFrom(1, 'x', true), fc.constant([1]), tie('map')),
    map: fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('value'), { maxKeys: 3, noNullPrototype: true }),
  })).map;
  fc.assert(
    fc.property(tree, tree, tree, (a, b, c) => {
      const before = JSON.stringify([a, b, c]);
      const left = merge(merge(a, b), c);
      assert.equal(JSON.stringify([a, b, c]), before);
      assert.deepEqual(merge(left, c), left);
    }),
  );
});

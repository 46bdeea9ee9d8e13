import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Expanded } from '../../src/config/config-value.ts';
import { redact, reveal } from '../../src/config/redact.ts';

const r = '[REDACTED]';

for (const { name, value, opaque = [], printed } of [
  {
    name: 'leaves what is no secret',
    value: { a: { b: [1, 'x', null, true] } },
    printed: { a: { b: [1, 'x', null, true] } },
  },
  { name: 'hides headers in a map', value: { headers: { a: 'x', b: 5 } }, printed: { headers: { a: r, b: r } } },
  {
    name: 'hides headers in a list, and shows their names',
    value: { headers: [{ name: 'a', value: 'x' }] },
    printed: { headers: [{ name: 'a', value: r }] },
  },
  {
    name: 'hides headers that are no map',
    value: { headers: 'x', response_headers: ['x'] },
    printed: { headers: r, response_headers: [r] },
  },
  {
    name: 'hides what a reader took as a secret',
    value: { a: { b: 'x', c: 'y' } },
    opaque: ['a.b'],
    printed: { a: { b: r, c: 'y' } },
  },
  { name: 'hides within lists of maps', value: { a: [{ b: 'x' }] }, opaque: ['a[0].b'], printed: { a: [{ b: r }] } },
  {
    name: 'hides keys that sound secret',
    value: { key_pem: 'x', password: 'x', api_key: 'x', bearer_token: 'x', client_secret: 'x', key_file: 'x' },
    printed: { key_pem: r, password: r, api_key: r, bearer_token: r, client_secret: r, key_file: 'x' },
  },
  {
    name: 'hides a password with an "@" in a URL, and leaves one behind the host',
    value: { a: 'http://user:p@ss@host:1/x', b: 'http://host/x@y, http://u:p@host', c: 'http://u:p#x@host' },
    printed: { a: `http://${r}@host:1/x`, b: `http://host/x@y, http://${r}@host`, c: `http://${r}@host` },
  },
  {
    name: 'shows that a secret is empty',
    value: { headers: null, password: new Expanded(null, '') },
    printed: { headers: null, password: null },
  },
  { name: 'hides a typed secret', value: { password: new Expanded(83, '0123') }, printed: { password: r } },
  {
    name: 'shows expanded values by their type, unless the text says more',
    value: {
      a: new Expanded(5, '5'),
      b: new Expanded(83, '0123'),
      c: new Expanded({ d: new Expanded(true, 'true') }, '{…}'),
      e: new Expanded(true, undefined),
    },
    printed: { a: 5, b: '0123', c: { d: true }, e: true },
  },
  {
    name: 'hides within expanded values',
    value: { headers: new Expanded({ a: 'x' }, '{a: x}') },
    printed: { headers: { a: r } },
  },
]) {
  test(`redact ${name}`, () => assert.deepEqual(redact(value, new Set(opaque)), printed));
}

test('reveal shows everything', () => {
  const value = {
    headers: new Expanded({ a: 'x' }, '{a: x}'),
    list: [{ password: new Expanded(83, '0123') }],
    n: new Expanded(null, ''),
  };
  assert.deepEqual(reveal(value), { headers: { a: 'x' }, list: [{ password: '0123' }], n: null });
});

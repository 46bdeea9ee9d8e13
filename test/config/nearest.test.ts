import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { nearest } from '../../src/config/nearest.ts';

const keys = ['endpoint', 'timeout', 'grpc', 'http', 'max_interval', 'sending_queue', 'tls'];

for (const { word, found, why } of [
  { word: 'endpoint', found: 'endpoint', why: 'itself' },
  { word: 'endpiont', found: 'endpoint', why: 'two letters swapped' },
  { word: 'gprc', found: 'grpc', why: 'two letters swapped in a short word' },
  { word: 'timout', found: 'timeout', why: 'a letter missing' },
  { word: 'timeeout', found: 'timeout', why: 'a letter too many' },
  { word: 'htttp', found: 'http', why: 'a letter doubled' },
  { word: 'maxInterval', found: 'max_interval', why: 'camel case' },
  { word: 'sending-queue', found: 'sending_queue', why: 'a hyphen' },
  { word: 'TLS', found: 'tls', why: 'capital letters' },
  { word: 'compression', found: undefined, why: 'nothing close' },
  { word: '', found: undefined, why: 'nothing at all' },
  { word: 'x', found: undefined, why: 'one letter' },
]) {
  test(`nearest finds ${found} for "${word}": ${why}`, () => assert.equal(nearest(word, keys), found));
}

test('nearest prefers the first of two equally close', () => {
  assert.equal(nearest('cat', ['bat', 'hat']), 'bat');
});

test('nearest answers for any text', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 200 }), fc.array(fc.string()), (word, candidates) => {
      const found = nearest(word, candidates);
      assert.ok(found === undefined || candidates.includes(found));
    }),
  );
});

test('nearest compares no more than a hundred letters', () => {
  const beginning = 'a'.repeat(100);
  assert.equal(
    nearest(`${beginning}${'b'.repeat(100)}`, [`${beginning}${'c'.repeat(100)}`]),
    `${beginning}${'c'.repeat(100)}`,
  );
});

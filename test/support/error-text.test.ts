import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { codeOf, messageOf } from '../../src/support/error-text.ts';

test('messageOf gives the message of an error, and the text of anything else that was thrown', () => {
  const thrown = [new TypeError('no'), 'thrown text', undefined];
  assert.deepEqual(thrown.map(messageOf), ['no', 'thrown text', 'undefined']);
});

test('codeOf gives the code of an error of the system, and nothing of any other', () => {
  assert.throws(
    () => readFileSync('/nowhere/to/be/found'),
    (error) => codeOf(error) === 'ENOENT',
  );
  assert.deepEqual([new Error('no'), { code: 'ENOENT' }, undefined].map(codeOf), [undefined, undefined, undefined]);
});

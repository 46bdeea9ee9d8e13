import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DictionaryBuilder } from '../../../src/profile/dictionary/dictionary-builder.ts';

test('DictionaryBuilder finds entry 0 for what says nothing', () => {
  const dictionary = new DictionaryBuilder();
  const nothing = { memoryStart: 0n, memoryLimit: 0n, fileOffset: 0n, filenameStrindex: 0, attributeIndices: [] };
  const noBytes = new Uint8Array(0);
  assert.deepEqual(
    [
      dictionary.internString(''),
      dictionary.internMapping(nothing),
      dictionary.internLink({ traceId: noBytes, spanId: noBytes }),
      dictionary.internFunction('', '', '', 0),
      dictionary.internStack([]),
    ],
    [0, 0, 0, 0, 0],
  );
});

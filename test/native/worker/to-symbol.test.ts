import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CodeFrame } from '../../../src/native/dwarf/dwarf-symbols.ts';
import type { AddressAnswer } from '../../../src/native/object-file.ts';
import { toSymbol } from '../../../src/native/worker/to-symbol.ts';

const upperCase = { demangle: (name: string) => name.toUpperCase() };

function frameOf(more: Partial<CodeFrame>): CodeFrame {
  return { linkageName: '', name: '', declarationLine: 0, filePath: '', line: 0, column: 0, ...more };
}

function answerOf(
  frames: readonly CodeFrame[],
  tableName = '',
  source: AddressAnswer['source'] = 'symtab',
): AddressAnswer {
  return { frames, tableName, source };
}

for (const { name, answer, function: expected, system } of [
  { name: 'a name of a table', answer: answerOf([], 'main'), function: 'main', system: '' },
  { name: 'a cold part', answer: answerOf([], 'work.part.0.cold.12'), function: 'work', system: 'work.part.0.cold.12' },
  {
    name: 'a clone',
    answer: answerOf([], 'work.constprop.0.isra.0'),
    function: 'work',
    system: 'work.constprop.0.isra.0',
  },
  { name: 'a version', answer: answerOf([], 'memcpy@@GLIBC_2.14'), function: 'memcpy', system: 'memcpy@@GLIBC_2.14' },
  { name: 'a stub', answer: answerOf([], 'malloc@plt', 'plt'), function: 'malloc@plt', system: '' },
  {
    name: "a name that only looks like a part's",
    answer: answerOf([], 'a.coldest'),
    function: 'a.coldest',
    system: '',
  },
  {
    name: "debug information's linkage name",
    answer: answerOf([frameOf({ linkageName: '_Zf', name: 'f' })], '_Zf.cold'),
    function: '_Zf',
    system: '_Zf.cold',
  },
  {
    name: 'a plain name and a table',
    answer: answerOf([frameOf({ name: 'static_one' })], 'static_one.lto_priv.3'),
    function: 'static_one',
    system: 'static_one.lto_priv.3',
  },
  {
    name: 'a plain name alone',
    answer: answerOf([frameOf({ name: 'asm' })], '', undefined),
    function: 'asm',
    system: '',
  },
]) {
  test(`toSymbol: ${name} is called ${expected}`, () => {
    const symbol = toSymbol(answer, undefined)!;
    assert.deepEqual([symbol.functionName, symbol.systemName], [expected, system]);
  });
}

test('toSymbol: the last frame is the function, the others were inlined into it, innermost first', () => {
  const frames = [
    frameOf({ name: 'inner', line: 3 }),
    frameOf({ name: 'middle', line: 2 }),
    frameOf({ name: 'outer', line: 1 }),
  ];
  const symbol = toSymbol(answerOf(frames, 'outer'), upperCase)!;
  assert.deepEqual([symbol.functionName, symbol.systemName, symbol.line], ['OUTER', 'outer', 1]);
  assert.deepEqual(
    symbol.inlined.map(({ functionName, line }) => [functionName, line]),
    [
      ['INNER', 3],
      ['MIDDLE', 2],
    ],
  );
});

test('toSymbol: where nothing is known there is no symbol', () => {
  assert.equal(toSymbol(answerOf([], '', undefined), undefined), undefined);
});

test('toSymbol: texts are cut at 4,096 characters, those of inlined functions as well', () => {
  const long = 'x'.repeat(65_536);
  const frame = frameOf({ linkageName: long, name: long, filePath: long });
  const symbol = toSymbol(answerOf([frame, frame], long), undefined)!;
  for (const { functionName, systemName, filePath } of [symbol, ...symbol.inlined]) {
    assert.ok(functionName.length <= 4096 && systemName.length <= 4096 && filePath.length <= 4096);
  }
});

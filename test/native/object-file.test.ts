import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DwarfData } from '../../src/native/dwarf/dwarf-data.ts';
import { codeRanges } from '../../src/native/elf/code-ranges.ts';
import type { AddressAnswer } from '../../src/native/object-file.ts';
import { toSymbol } from '../../src/native/worker/to-symbol.ts';
import type { Answer } from './open-fixture.ts';
import { answers, fixtureBytes, openElf, openObject, splitFilesOf } from './open-fixture.ts';

for (const [name, expected] of Object.entries(answers)) {
  test(`${name} has the functions, files, lines and columns that llvm-symbolizer finds`, async () => {
    assert.ok(expected.length > 60, 'there are too few answers to compare with');
    const addresses = Float64Array.from(expected, ({ address }) => address);
    const alternate = name === 'dwz.elf' ? fixtureBytes('dwz-common.debug') : undefined;
    const splits = name.startsWith('split/') ? splitFilesOf(name) : undefined;
    const found = await openObject(fixtureBytes(name), undefined, alternate, splits).answer(addresses, 'inlines');
    // Go's own table has no columns, and calls what its compiler made by another path.
    const isGo = name.startsWith('go-');
    expected.forEach((answer, index) => {
      const [mine, theirs] = [plain(found[index]!, answer), plainOf(answer)];
      if (isGo) for (const frame of [...mine, ...theirs]) frame.column = 0;
      if (isGo) for (const frame of [...mine, ...theirs]) frame.file = frame.file.replace(/^(?:\.\/)+/, '');
      assert.deepEqual(mine, theirs, `0x${answer.address.toString(16)}`);
    });
  });
}

test('the end of a batch closes its file and the one that dwz moved parts to', async (t) => {
  const { mock } = t.mock.method(DwarfData.prototype, 'close');
  const object = openObject(fixtureBytes('dwz.elf'), undefined, fixtureBytes('dwz-common.debug'));
  await object.answer(
    Float64Array.from(answers['dwz.elf']!, ({ address }) => address),
    'inlines',
  );
  assert.equal(new Set(mock.calls.map(({ this: closed }) => closed)).size, 2);
});

test('batches leave no windows behind that wait for a collection', async () => {
  const addresses = Float64Array.from(answers['shared.elf']!, ({ address }) => address);
  const object = openObject(fixtureBytes('shared.elf'));
  await object.answer(addresses, 'inlines');
  const before = process.memoryUsage().arrayBuffers;
  // A young collection may free some of them by chance.
  const growths: number[] = [];
  for (let batch = 0; batch < 8; batch++) {
    await object.answer(addresses, 'inlines');
    growths.push((process.memoryUsage().arrayBuffers - before) / (batch + 1));
  }
  assert.ok(Math.max(...growths) < 4096, `${growths} bytes a batch`);
});

test('the shared library has the same names by its debug file alone, and by the linked file with it', async () => {
  const addresses = Float64Array.from(answers['shared.elf']!, ({ address }) => address);
  const whole = await openObject(fixtureBytes('shared.elf')).answer(addresses, 'inlines');
  const split = await openObject(fixtureBytes('split.elf'), fixtureBytes('shared.debug')).answer(addresses, 'inlines');
  const debugAlone = await openObject(fixtureBytes('shared.debug')).answer(addresses, 'inlines');
  assert.deepEqual(symbols(split), symbols(whole));
  assert.ok(debugAlone.filter(({ source }) => source === 'dwarf').length > 60);
});

test('a stripped library names what it exports and the stubs of what it calls, and nothing else', async () => {
  const addresses = Float64Array.from(answers['shared.elf']!, ({ address }) => address);
  const whole = symbols(await openObject(fixtureBytes('shared.elf')).answer(addresses, 'names'));
  const stripped = symbols(await openObject(fixtureBytes('stripped.elf')).answer(addresses, 'inlines'));
  const named = new Set(stripped.map((symbol) => symbol?.functionName));
  assert.deepEqual(named, new Set(['work', 'call_outside', undefined]));
  stripped.forEach((symbol, index) => {
    if (symbol !== undefined) assert.equal(symbol.functionName, whole[index]!.functionName);
  });
  // The static function between them is the neighbour of both.
  const hidden = addresses.filter((_, index) => whole[index]?.functionName === 'hidden');
  assert.ok(hidden.length > 0);
});

test('a stripped library with .gnu_debugdata names its static functions as well', async () => {
  const addresses = Float64Array.from(answers['shared.elf']!, ({ address }) => address);
  const whole = symbols(await openObject(fixtureBytes('shared.elf')).answer(addresses, 'names'));
  const found = await openObject(fixtureBytes('minidebug.elf')).answer(addresses, 'names');
  assert.deepEqual(symbols(found), whole);
  assert.deepEqual(new Set(found.map(({ source }) => source)), new Set(['dynsym', 'gnu_debugdata']));
});

test('a function without a size ends at the next one, and has no name where the next one may be missing', async () => {
  const { starts, ends } = codeRanges(openElf(fixtureBytes('sizeless.elf')));
  const addresses = Float64Array.from({ length: ends[0]! - starts[0]! }, (_, index) => starts[0]! + index);
  const namesIn = async (name: string) =>
    symbols(await openObject(fixtureBytes(name)).answer(addresses, 'names')).map((symbol) => symbol?.functionName);
  const whole = ['first', 'first', 'first', 'hidden', 'hidden', 'hidden', 'last', 'last'];
  assert.deepEqual(await namesIn('sizeless.elf'), whole);
  // In the stripped one nothing says that the static function begins behind the first.
  assert.deepEqual(
    await namesIn('sizeless-stripped.elf'),
    whole.map(() => undefined),
  );
});

for (const { name, stubs } of [
  { name: 'stripped.elf', stubs: ['work@plt', 'outside@plt'] },
  { name: 'ibt.elf', stubs: ['work@plt', 'outside@plt'] },
  { name: 'arm64-shared.elf', stubs: ['work@plt', 'outside@plt'] },
]) {
  test(`${name}: stubs have the name of the function that they lead to`, async () => {
    const bytes = fixtureBytes(name);
    const { sections } = openElf(bytes);
    const plt =
      sections.find((section) => section.name === '.plt.sec') ?? sections.find(({ name: of }) => of === '.plt')!;
    const addresses = Float64Array.from({ length: plt.sizeBytes / 4 }, (_, index) => plt.address + 4 * index);
    const found = symbols(await openObject(bytes).answer(addresses, 'inlines'));
    const names = found.flatMap((symbol) => (symbol === undefined ? [] : [symbol.functionName]));
    assert.deepEqual(new Set(names), new Set(stubs));
  });
}

test('debug_info: names reads tables alone, lines finds the line and the function without those that were inlined', async () => {
  const object = openObject(fixtureBytes('gcc-dwarf5.elf'));
  const deep = answers['gcc-dwarf5.elf']!.find(({ frames }) => frames.length === 3)!;
  const at = Float64Array.of(deep.address);
  const [names] = symbols(await object.answer(at, 'names'));
  const [lines] = symbols(await object.answer(at, 'lines'));
  const [inlines] = symbols(await object.answer(at, 'inlines'));
  assert.deepEqual([names!.functionName, names!.line, names!.inlined.length], [deep.frames[2]![0], 0, 0]);
  assert.deepEqual([lines!.functionName, lines!.line], [deep.frames[2]![0], deep.frames[0]![2]]);
  assert.deepEqual(
    [...inlines!.inlined.map(({ functionName }) => functionName), inlines!.functionName],
    deep.frames.map(([name]) => name),
  );
});

test('an address outside of code has no name, however near a function is', async () => {
  const object = openObject(fixtureBytes('gcc-dwarf5.elf'));
  const last = answers['gcc-dwarf5.elf']!.at(-1)!.address;
  const [far, none] = await object.answer(Float64Array.of(last + 4096, 2 ** 52), 'inlines');
  assert.deepEqual(symbols([far!, none!]), [undefined, undefined]);
});

interface PlainFrame {
  function: string;
  file: string;
  line: number;
  column: number;
}

/** The frames as llvm-symbolizer tells them; of aliases and of the suffixes of parts, its own choice counts. */
function plain({ frames, tableName }: AddressAnswer, { frames: theirs }: Answer): PlainFrame[] {
  const outermost = theirs.at(-1)![0];
  if (frames.length === 0) return [{ function: tableName, file: theirs[0]![1], line: 0, column: 0 }];
  return frames.map((frame, index) => {
    const names = index === frames.length - 1 ? [tableName, frame.linkageName, frame.name] : [];
    const name = names.includes(outermost) ? outermost : frame.linkageName || frame.name;
    return { function: name, file: frame.filePath, line: frame.line, column: frame.column };
  });
}

function plainOf({ frames }: Answer): PlainFrame[] {
  return frames.map(([name, file, line, column]) => ({ function: name, file, line, column }));
}

function symbols(found: readonly AddressAnswer[]) {
  return found.map((answer) => toSymbol(answer, undefined));
}

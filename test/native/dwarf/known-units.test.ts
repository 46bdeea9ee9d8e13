import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { KnownUnits, UnitPartsDraft } from '../../../src/native/dwarf/known-units.ts';
import { codeRanges } from '../../../src/native/elf/code-ranges.ts';
import { readElfFile } from '../../../src/native/elf/elf-file.ts';
import { inflateInMemory } from '../../../src/native/elf/section-reader.ts';
import { ObjectFile } from '../../../src/native/object-file.ts';
import { answers, fixtureBytes, openElf, openObject } from '../open-fixture.ts';

for (const name of [
  'gcc-dwarf2.elf',
  'gcc-dwarf5.elf',
  'clang-dwarf4.elf',
  'cxx-gcc.elf',
  'rust-v0.elf',
  'elf32.elf',
]) {
  test(`${name} says the same of an address whatever it was asked before`, async () => {
    const { starts, ends } = codeRanges(openElf(fixtureBytes(name)));
    const address = fc
      .tuple(fc.nat(starts.length - 1), fc.double({ min: 0, max: 1, noNaN: true }))
      .map(([range, part]) => starts[range]! + Math.floor(part * (ends[range]! - starts[range]!)));
    const batch = fc
      .uniqueArray(fc.oneof(address, fc.constantFrom(...answers[name]!.map((answer) => answer.address))), {
        minLength: 1,
      })
      .map((addresses) => Float64Array.from(addresses).sort());
    const asked = openObject(fixtureBytes(name));
    await fc.assert(
      fc.asyncProperty(batch, fc.constantFrom('lines', 'inlines'), async (addresses, level) => {
        const first = await openObject(fixtureBytes(name)).answer(addresses, level);
        assert.deepEqual(await asked.answer(addresses, level), first);
      }),
      { numRuns: 30, endOnFailure: true },
    );
  });
}

test('of a unit that was read before, the functions and rows at the addresses are read again, and nothing around them', async () => {
  const bytes = fixtureBytes('rust-v0.elf');
  let readBytes = 0;
  const elf = readElfFile({
    sizeBytes: bytes.length,
    read: (target, position) => {
      readBytes += target.length;
      target.set(bytes.subarray(position, position + target.length));
    },
  })!;
  const object = new ObjectFile({ elf, debug: undefined, alternate: undefined }, (section) =>
    Promise.resolve(inflateInMemory(section)),
  );
  const readFor = async (address: number): Promise<number> => {
    readBytes = 0;
    await object.answer(Float64Array.of(address), 'inlines');
    return readBytes;
  };
  // Where no unit is, the units are indexed alone.
  await readFor(0);
  const sizeBefore = object.sizeBytes;
  const { address } = answers['rust-v0.elf']![30]!;
  const [first, second] = [await readFor(address), await readFor(address)];
  assert.ok(second < 0.8 * first, `${first} bytes, then ${second}`);
  assert.ok(object.sizeBytes > sizeBefore);
});

test('what is kept of the units of a file has a bound', () => {
  const units = new KnownUnits();
  for (let offset = 0; offset < 100; offset++) {
    const draft = new UnitPartsDraft(4);
    for (let row = 0; row < 1024; row++) draft.add(row, row + 1, 0, 1);
    units.keep(offset, { functions: draft.finish()! });
  }
  assert.ok(units.sizeBytes > 1.9 * 2 ** 20 && units.sizeBytes <= 2 * 2 ** 20, `${units.sizeBytes}`);
  assert.ok(units.at(0) !== undefined && units.at(99) === undefined);
  const endless = new UnitPartsDraft(4);
  for (let row = 0; row < 100_000; row++) endless.add(row, row + 1, 0, 1);
  assert.equal(endless.finish(), undefined);
});

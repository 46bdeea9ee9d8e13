import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AddressSpace } from '../../../src/cli/replay/address-space.ts';

function mapping(start: bigint, path: string, timeNano: bigint) {
  return { start, end: start + 0x1000n, fileOffset: 0n, path, buildId: '', timeNano };
}

test('AddressSpace finds the mapping that was there at the time', () => {
  const space = new AddressSpace();
  space.add(mapping(0x1000n, '/first', 10n));
  space.add(mapping(0x1000n, '/second', 20n));
  assert.equal(space.find(0x1800n, 15n)?.path, '/first');
  assert.equal(space.find(0x1800n, 20n)?.path, '/second');
});

test('AddressSpace knows that a mapping was there before the collector looked', () => {
  const space = new AddressSpace();
  space.add(mapping(0x1000n, '/first', 10n));
  space.add(mapping(0x1000n, '/second', 20n));
  assert.equal(space.find(0x1000n, 5n)?.path, '/first');
});

test('AddressSpace ends a mapping at its end', () => {
  const space = new AddressSpace();
  space.add(mapping(0x1000n, '/first', 10n));
  assert.equal(space.find(0x2000n, 15n), undefined);
  assert.equal(space.find(0xfffn, 15n), undefined);
});

test('AddressSpace takes the lowest file that is no library for the program', () => {
  const space = new AddressSpace();
  for (const [start, path] of [
    [0x7000n, '/usr/lib/libc.so.6'],
    [0x6000n, '/usr/bin/tool'],
    [0x5000n, '/usr/bin/program'],
    [0x4000n, '[vdso]'],
    [0x3000n, '/usr/lib/libz.so'],
  ] as const) {
    space.add(mapping(start, path, 1n));
  }
  assert.equal(space.executablePath(), '/usr/bin/program');
  assert.equal(new AddressSpace().executablePath(), '');
});

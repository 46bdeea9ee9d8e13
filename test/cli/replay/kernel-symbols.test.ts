import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KernelSymbols } from '../../../src/cli/replay/kernel-symbols.ts';

const symbols = new KernelSymbols(
  [
    'ffffffff821f64a0 T __memcpy',
    'ffffffff821f64a0 T __pi_memcpy',
    'ffffffff821f64a0 T memcpy',
    'ffffffff81000010 T second',
    'ffffffff81000008 t __pfx_second',
    'ffffffff81000000 T first',
    'ffffffff81000018 D data',
    'ffffffffc0000000 t helper\t[ext4]',
  ].join('\n'),
);

for (const { address, name } of [
  { address: 0xffffffff80ffffffn, name: undefined },
  { address: 0xffffffff81000000n, name: 'first' },
  { address: 0xffffffff81000007n, name: 'first' },
  { address: 0xffffffff81000008n, name: 'second' },
  { address: 0xffffffff81000020n, name: 'second' },
  { address: 0xffffffff821f64a1n, name: 'memcpy' },
  { address: 0xffffffffc0000010n, name: 'helper' },
]) {
  test(`KernelSymbols names 0x${address.toString(16)} ${name ?? 'not at all'}`, () => {
    assert.equal(symbols.find(address), name);
  });
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KernelSymbols } from '../../../src/native/tables/kallsyms.ts';

const kallsyms = [
  '0000000000000000 A fixed_percpu_data',
  'ffffffff821f64a0 T __memcpy',
  'ffffffff821f64a0 T __pi_memcpy',
  'ffffffff821f64a0 T memcpy',
  'ffffffff81000000 T _text',
  'ffffffff81000000 T first',
  'ffffffff81000008 t __pfx_second',
  'ffffffff81000010 T second',
  'ffffffff81000018 D data',
  'ffffffff821f6500 T _etext',
  'ffffffff82600000 r rodata',
  'ffffffffc0000000 t helper\t[ext4]',
  'ffffffffc0000100 t other\t[ext4]',
  'ffffffffc0008000 t big\t[xfs]',
  'ffffffffc0020040 t bpf_prog_6deef7357e7b4530\t[bpf]',
  'ffffffffc0020100 t bpf_prog_72a9c2b3d4e5f607_egress\t[bpf]',
  'ffffffffc0030000 t bpf_prog_0123456789abcdef\t[bpf]',
].join('\n');
const modules = 'xfs 8192 1 - Live 0xffffffffc0008000\next4 4096 0 - Live 0x0000000000000000\n';
const symbols = new KernelSymbols(kallsyms, modules);

for (const { address, name, because } of [
  { address: 0xffffffff80ffffffn, name: undefined, because: 'nothing is before the first symbol' },
  { address: 0x10n, name: undefined, because: 'an address of 0 is none' },
  { address: 0xffffffff81000000n, name: 'first', because: "a function goes before the linker's mark" },
  { address: 0xffffffff81000007n, name: 'first', because: 'a function reaches to the next' },
  { address: 0xffffffff81000008n, name: 'second', because: 'padding runs for its function' },
  { address: 0xffffffff81000018n, name: undefined, because: 'data is no function and ends one' },
  { address: 0xffffffff821f64a1n, name: 'memcpy', because: 'an alias without underscores is better' },
  { address: 0xffffffff821f6500n, name: undefined, because: 'text ends at _etext' },
  { address: 0xffffffffc0000010n, name: 'helper', because: 'modules are named' },
  { address: 0xffffffffc0000fffn, name: 'other', because: 'a module has whole pages' },
  { address: 0xffffffffc0001000n, name: undefined, because: "the last function's end is not known beyond its page" },
  { address: 0xffffffffc0009fffn, name: 'big', because: '/proc/modules tells where a module ends' },
  { address: 0xffffffffc000a000n, name: undefined, because: '/proc/modules tells where a module ends' },
  { address: 0xffffffffc0020041n, name: 'bpf_prog_6deef7357e7b4530', because: 'BPF programs are named' },
  { address: 0xffffffffc0021000n, name: undefined, because: "a BPF program's end is not known beyond its page" },
]) {
  test(`KernelSymbols names 0x${address.toString(16)} ${name ?? 'not at all'}: ${because}`, () => {
    assert.equal(symbols.find(address)?.name, name);
  });
}

test('KernelSymbols knows the module of a function and its bounds', () => {
  assert.deepEqual(symbols.find(0xffffffffc0000010n), {
    name: 'helper',
    start: 0xffffffffc0000000n,
    end: 0xffffffffc0000100n,
    module: 'ext4',
  });
});

test('KernelSymbols names nothing where kptr_restrict hides the addresses', () => {
  const hidden = new KernelSymbols(kallsyms.replace(/^[0-9a-f]{16}/gm, '0'.repeat(16)), modules);
  assert.equal(hidden.size, 0);
  assert.equal(hidden.find(0xffffffff81000010n), undefined);
  assert.equal(hidden.find(0n), undefined);
});

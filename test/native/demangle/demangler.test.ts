import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Demangler, loadDemangler, maxNameLength } from '../../../src/native/demangle/demangler.ts';
import { limitMemory } from '../../../src/native/demangle/limit-memory.ts';

const module = loadDemangler();

for (const { mangled, plain } of [
  // By c++filt, llvm-cxxfilt and rustfilt.
  { mangled: '_ZN6shapes3BoxIiEclEi', plain: 'shapes::Box<int>::operator()(int)' },
  { mangled: '_ZNKSt6vectorIiSaIiEE4sizeEv', plain: 'std::vector<int, std::allocator<int> >::size() const' },
  { mangled: '_ZN4core3fmt5Write9write_fmt17h0123456789abcdefE', plain: 'core::fmt::Write::write_fmt' },
  {
    mangled: '_RNvMsa_NtCsgvbsrvnw3yD_9hashbrown3rawNtB5_13RawTableInner17find_insert_index',
    plain: '<hashbrown::raw::RawTableInner>::find_insert_index',
  },
  { mangled: '_ZdlPvm@plt', plain: 'operator delete(void*, unsigned long)@plt' },
  { mangled: '_ZdlPvm@@CXXABI_1.3.9', plain: 'operator delete(void*, unsigned long)@@CXXABI_1.3.9' },
  { mangled: '_ZnwmSt11align_val_t@GLIBCXX_3.4', plain: 'operator new(unsigned long, std::align_val_t)@GLIBCXX_3.4' },
  { mangled: '_Znonsense@plt', plain: '_Znonsense@plt' },
  { mangled: 'malloc@plt', plain: 'malloc@plt' },
  { mangled: 'main', plain: 'main' },
  { mangled: '_start', plain: '_start' },
  { mangled: '_Znonsense', plain: '_Znonsense' },
  { mangled: '', plain: '' },
]) {
  test(`${mangled === '' ? 'an empty name' : mangled} stands for ${plain === '' ? 'nothing' : plain}`, () => {
    assert.equal(new Demangler(module).demangle(mangled), plain);
  });
}

/** Doubles with each of its parts: with forty it stands for a name of a terabyte. */
const doubling = `_Z1fSt4pairIiiE${Array.from({ length: 40 }, (_, index) => {
  const part = index.toString(36).toUpperCase();
  return `S_IS${part}_S${part}_E`;
}).join('')}`;

test('a name that would take gigabytes stays as it is, and the next one is demangled', () => {
  const demangler = new Demangler(module);
  assert.equal(demangler.demangle(doubling), doubling);
  assert.equal(demangler.demangle('_Z4workv'), 'work()');
});

test('after three such names the names of a file stay as they are', () => {
  const demangler = new Demangler(module);
  for (const letter of ['f', 'g', 'h']) demangler.demangle(doubling.replace('_Z1f', `_Z1${letter}`));
  assert.equal(demangler.demangle('_Z4workv'), '_Z4workv');
  assert.equal(new Demangler(module).demangle('_Z4workv'), 'work()');
});

test('longer names are cut', () => {
  assert.equal(new Demangler(module).demangle('x'.repeat(2 * maxNameLength)).length, maxNameLength);
});

test('a module without a memory is refused rather than run without a limit', () => {
  assert.throws(() => limitMemory(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0), 256), /no memory/);
});

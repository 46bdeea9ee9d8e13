import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { KernelNames } from '../../../src/native/files/kernel-names.ts';

const kernelId = 'aa'.repeat(20);
const moduleId = 'bb'.repeat(20);
const text = `ffffffff81000000 T _stext
ffffffff81000000 T _text
ffffffff81000100 T do_work
ffffffff81000200 t helper
ffffffff81000300 T _etext
ffffffffc0001000 t nf_hook\t[nf_conntrack]
ffffffffc0001100 t nf_other\t[nf_conntrack]
`;

function note(buildId: string): Buffer {
  const head = Buffer.alloc(16);
  head.writeUInt32LE(4, 0);
  head.writeUInt32LE(20, 4);
  head.writeUInt32LE(3, 8);
  head.write('GNU', 12);
  return Buffer.concat([head, Buffer.from(buildId, 'hex')]);
}

function createNames(t: TestContext, kallsyms = text): KernelNames {
  const folder = mkdtempSync(join(tmpdir(), 'framekeeper-kernel-'));
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'proc'));
  mkdirSync(join(folder, 'sys/kernel'), { recursive: true });
  mkdirSync(join(folder, 'sys/module/nf_conntrack/notes'), { recursive: true });
  writeFileSync(join(folder, 'proc/kallsyms'), kallsyms);
  writeFileSync(join(folder, 'proc/modules'), 'nf_conntrack 8192 0 - Live 0xffffffffc0001000\n');
  writeFileSync(join(folder, 'sys/kernel/notes'), note(kernelId));
  writeFileSync(join(folder, 'sys/module/nf_conntrack/notes/.note.gnu.build-id'), note(moduleId));
  return new KernelNames(join(folder, 'proc'), join(folder, 'sys'));
}

const file = (gnuBuildId: string, fileName: string) => ({ fileId: '0'.repeat(32), gnuBuildId, fileName });

for (const { name, wanted, start = 0, module } of [
  { name: 'the kernel by its build ID', wanted: file(kernelId, 'vmlinux'), module: undefined },
  {
    name: 'the kernel where it begins',
    wanted: file(kernelId, 'vmlinux'),
    start: -0x7f000000,
    module: undefined,
  },
  { name: 'a module by its own', wanted: file(moduleId, 'nf-conntrack.ko.xz'), module: 'nf_conntrack' },
]) {
  test(`KernelNames finds ${name}`, (t) => {
    const found = createNames(t).find(wanted, start, 0);
    assert.ok(typeof found === 'object');
    assert.equal(found.module, module);
    assert.equal(found.symbols.find(0xffffffff81000150n)?.name, 'do_work');
    assert.equal(found.symbols.find(0xffffffffc0001010n)?.module, 'nf_conntrack');
  });
}

for (const { name, wanted, start = 0 } of [
  { name: 'another build', wanted: file('cc'.repeat(20), 'vmlinux') },
  { name: 'a kernel whose build nobody knows', wanted: file('', 'vmlinux') },
  { name: 'a module of another build', wanted: file('cc'.repeat(20), 'nf_conntrack') },
  { name: 'a name that is a path', wanted: file('cc'.repeat(20), '../../kernel/notes') },
  {
    name: 'the same build at another place, as after another boot',
    wanted: file(kernelId, 'vmlinux'),
    start: -0x7e000000,
  },
]) {
  test(`KernelNames has nothing for ${name}`, (t) => {
    assert.equal(createNames(t).find(wanted, start, 0), 'build_id_differs');
  });
}

test('addresses that the kernel hides are no addresses', (t) => {
  const hidden = text.replaceAll(/^[0-9a-f]{16}/gm, '0'.repeat(16));
  assert.equal(createNames(t, hidden).find(file(kernelId, 'vmlinux'), 0, 0), 'no_permission');
});

test('the names are forgotten when nobody asks for one', (t) => {
  const names = createNames(t);
  names.find(file(kernelId, 'vmlinux'), 0, 100);
  assert.ok(names.sizeBytes > text.length);
  names.trim(100);
  assert.ok(names.sizeBytes > 0);
  names.trim(101);
  assert.equal(names.sizeBytes, 0);
});

import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { htlhashOf } from '../../../src/native/elf/build-id.ts';
import { MemorySource } from '../../../src/native/elf/byte-source.ts';
import { Symbolizer } from '../../../src/native/worker/symbolize.ts';
import { answers, fixtureBytes, fixturePath } from '../open-fixture.ts';

test('tables of files count as held after a request for generated code, too', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'framekeeper-symbolize-'));
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, '7/root/tmp'), { recursive: true });
  writeFileSync(join(folder, '7/status'), `Uid:\t0\t${process.getuid!()}\t0\t0\nNSpid:\t7\n`);
  writeFileSync(join(folder, '7/stat'), `7 (a) S ${'0 '.repeat(18)}5 0\n`);
  const library = '5000-6000 r-xp 00001000 fe:01 12 /lib.so\n';
  writeFileSync(join(folder, '7/maps'), `1000-3000 rwxp 00000000 00:00 0 \n${library}`);
  writeFileSync(join(folder, '7/root/tmp/perf-7.map'), '1000 100 first\n');
  copyFileSync(fixturePath('gcc-dwarf5.elf'), join(folder, '7/root/lib.so'));
  const symbolizer = new Symbolizer({
    search: { procRoot: folder, debugDirectories: [], maxFileBytes: 2 ** 30 },
    ...{ debugInfo: 'inlines', demangle: true, directory: folder, maxTableBytes: 2 ** 25 },
    ...{ maxInflatedBytes: 2 ** 30, idleMs: 1000 },
  });
  const fileId = htlhashOf(new MemorySource(fixtureBytes('gcc-dwarf5.elf')));
  const addresses = Float64Array.of(answers['gcc-dwarf5.elf']![0]!.address);
  const file = await symbolizer.answer(
    { id: 1, file: { fileId, gnuBuildId: '', fileName: 'lib.so' }, pids: [7], addresses },
    0,
  );
  const memory = await symbolizer.answer(
    { id: 2, process: { pid: 7, startTimeNano: 0n }, knownVersion: '', addresses: Float64Array.of(0x1010) },
    1,
  );
  assert.ok(file.kind === 'answered' && memory.kind === 'answered');
  assert.equal(memory.symbols[0]!.functionName, 'first');
  assert.ok(file.stats.tableBytes > 0);
  assert.equal(memory.stats.tableBytes, file.stats.tableBytes);
  assert.equal(memory.stats.readBytes, 15);
});

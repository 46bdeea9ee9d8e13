import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CollectedFrame } from '../../../src/cli/replay/collected.ts';
import { Remarks } from '../../../src/cli/replay/collected.ts';
import { Executables } from '../../../src/cli/replay/executables.ts';
import { KernelFiles } from '../../../src/cli/replay/kernel-files.ts';
import type { PerfEntry } from '../../../src/cli/replay/perf-entries.ts';
import { parsePerfScript } from '../../../src/cli/replay/perf-script.ts';
import { PerfUnwinder } from '../../../src/cli/replay/perf-unwinder.ts';
import { RecordedProcess } from '../../../src/cli/replay/process-table.ts';
import { frameKinds } from '../../../src/model/frame-kind.ts';

// A program that was linked to 0x400000: its file offsets and its memory addresses overlap.
const load = '0x1000 0x401000 0x9000000 0x9000000 r-x';
const entry = { fileName: 'tool', fileId: 'ab'.repeat(16), fileIdIsHtlhash: true, sizeBytes: 1, loads: [load] };
const executables = new Executables({ kernels: {}, executables: { aa: entry } }, 'test');
const mmap = 'tool 7/7 [000] 1.0: PERF_RECORD_MMAP2 7/7: [0x401000(0x9000) @ 0x1000 <aa>]: r-xp /usr/bin/tool';

function unwind(...frameLines: string[]): { frames: readonly CollectedFrame[]; truncated: boolean } {
  const lines = [mmap, 'tool 7/7 [000] 1.5: cpu-clock:', ...frameLines];
  const [mapping, sample] = [...parsePerfScript(lines.join('\n'), new Remarks())] as [PerfEntry, PerfEntry];
  assert.ok(mapping.kind === 'mapping' && sample.kind === 'sample');
  const process = new RecordedProcess(7, 1n);
  process.space.add(mapping);
  const kernel = new KernelFiles(executables.kernel('unknown'));
  return new PerfUnwinder(executables, kernel, new Remarks()).unwind(sample, process);
}

for (const { name, line, address } of [
  { name: 'file offset', line: '\t1234 main+0x4 (/usr/bin/tool)', address: 0x401234n },
  { name: 'memory address', line: '\t401234 main+0x4 (/usr/bin/tool)', address: 0x401234n },
]) {
  test(`PerfUnwinder takes a printed ${name} for what it is`, () => {
    const [frame] = unwind(line).frames;
    assert.deepEqual([frame?.owner, frame?.address, frame?.kind], ['ab'.repeat(16), address, frameKinds.native]);
  });
}

test('PerfUnwinder gives inlined functions to the frame that holds them', () => {
  const { frames } = unwind(
    '\t1234 inner (inlined)',
    '\t1234 middle (inlined)',
    '\t1234 outer+0x4 (/usr/bin/tool)',
    '\t1300 main+0x4 (/usr/bin/tool)',
  );
  assert.equal(frames.length, 2);
  const name = frames[0]?.name;
  assert.ok(name?.kind === 'symbol');
  assert.deepEqual(
    [...name.symbol.inlined, name.symbol].map(({ functionName }) => functionName),
    ['inner', 'middle', 'outer'],
  );
});

test('PerfUnwinder moves no return address before 0', () => {
  const { frames } = unwind('\t1234 f (/usr/bin/tool)', '\t0 g (/usr/bin/other)', '\t0 h (/tmp/perf-7.map)', '\t0 i');
  assert.deepEqual(
    frames.map(({ address }) => address),
    [0x401234n, 0n, 0n, 0n],
  );
});

test('PerfUnwinder gives a frame the source line below it', () => {
  const name = unwind('\t1234 main+0x4 (/usr/bin/tool)', '  main.c:12').frames[0]?.name;
  assert.ok(name?.kind === 'symbol');
  assert.deepEqual([name.symbol.filePath, name.symbol.line], ['main.c', 12]);
});

test('PerfUnwinder names code whose file was not printed, as code of the process', () => {
  const [frame] = unwind('\t401234 main').frames;
  assert.ok(frame?.name?.kind === 'stub');
  assert.deepEqual([frame.name.functionName, frame.name.length, frame.mapping], ['main', 1n, undefined]);
});

test('PerfUnwinder makes generated code the process’s own, with the name that perf found', () => {
  const [leaf, caller] = unwind(
    '\t7fd8f27fd990 JS:*fib /srv/app/work.js:5:13+0x10 (/tmp/perf-7.map)',
    '\t7fd8f27fd9a0 JS:*fib /srv/app/work.js:5:13+0x20 (/tmp/perf-7.map)',
  ).frames;
  assert.ok(leaf?.name?.kind === 'stub' && caller?.name?.kind === 'stub');
  assert.deepEqual(
    [leaf.kind, leaf.address, leaf.name.functionName, leaf.name.line],
    [frameKinds.v8js, 0x7fd8f27fd990n, 'fib', 5],
  );
  assert.deepEqual([caller.address, caller.name.start, caller.name.length], [0x7fd8f27fd99fn, 0x7fd8f27fd99fn, 1n]);
});

test('PerfUnwinder keeps address and place of a frame that perf knows nothing of, but for words that are no address', () => {
  const { frames, truncated } = unwind(
    '\t1234 main+0x4 (/usr/bin/tool)',
    '\t7e1234567890 [unknown] ([unknown])',
    '\t3 [unknown] ([unknown])',
    '\t1250 x (/usr/bin/tool)',
  );
  assert.deepEqual(
    frames.map(({ address, name }) => [address, name === undefined]),
    [
      [0x401234n, false],
      [0x7e123456788fn, true],
      [0x40124fn, false],
    ],
  );
  assert.equal(truncated, true);
});

test('PerfUnwinder tells kernel frames by their addresses', () => {
  const { frames } = unwind(
    '\tffffffff81000010 first+0x10 ([kernel.kallsyms])',
    '\tffffffffc0000020 helper+0x20 ([ext4])',
    // arm64 with addresses of 48 bits.
    '\tffff000008081010 [unknown] ([unknown])',
    '\t1234 main+0x4 (/usr/bin/tool)',
  );
  assert.deepEqual(
    frames.map(({ kind, address }) => [kind, address]),
    [
      [frameKinds.kernel, 0xffffffff81000010n],
      [frameKinds.kernel, 0xffffffffc000001fn],
      [frameKinds.kernel, 0xffff00000808100fn],
      [frameKinds.native, 0x401234n],
    ],
  );
});

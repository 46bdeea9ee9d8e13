import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CollectedFrame } from '../../../src/cli/replay/collected.ts';
import { Executables } from '../../../src/cli/replay/executables.ts';
import { PerfProcess } from '../../../src/cli/replay/perf-process.ts';
import type { PerfEntry } from '../../../src/cli/replay/perf-script.ts';
import { parsePerfScript } from '../../../src/cli/replay/perf-script.ts';
import { PerfUnwinder } from '../../../src/cli/replay/perf-unwinder.ts';
import { frameKinds } from '../../../src/model/frame-kind.ts';

// A program that was linked to 0x400000: its file offsets and its memory addresses overlap.
const load = '0x1000 0x401000 0x9000000 0x9000000 r-x';
const entry = { fileName: 'tool', fileId: 'ab'.repeat(16), fileIdIsHtlhash: true, sizeBytes: 1, loads: [load] };
const executables = new Executables({ kernels: {}, executables: { aa: entry } });
const mmap = 'tool 7/7 [000] 1.0: PERF_RECORD_MMAP2 7/7: [0x401000(0x9000) @ 0x1000 <aa>]: r-xp /usr/bin/tool';

function unwind(...frameLines: string[]): { frames: readonly CollectedFrame[]; truncated: boolean } {
  const entries = [...parsePerfScript([mmap, 'tool 7/7 [000] 1.5: cpu-clock:', ...frameLines].join('\n'))];
  const process = new PerfProcess(7, 'tool', 1n);
  const [mapping, sample] = entries as [PerfEntry, PerfEntry];
  assert.ok(mapping.kind === 'mapping' && sample.kind === 'sample');
  process.addMapping(mapping);
  return new PerfUnwinder(executables).unwind(sample, process, executables.kernel('unknown'));
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

test('PerfUnwinder ends a stack where perf knows no file', () => {
  const { frames, truncated } = unwind(
    '\t1234 main+0x4 (/usr/bin/tool)',
    '\t3 [unknown] ([unknown])',
    '\t4 x (/usr/bin/tool)',
  );
  assert.deepEqual([frames.length, truncated], [1, true]);
});

test('PerfUnwinder tells kernel frames by their addresses', () => {
  const { frames } = unwind(
    '\tffffffff81000010 first+0x10 ([kernel.kallsyms])',
    '\tffffffffc0000020 helper+0x20 ([ext4])',
    '\t1234 main+0x4 (/usr/bin/tool)',
  );
  assert.deepEqual(
    frames.map(({ kind, address }) => [kind, address]),
    [
      [frameKinds.kernel, 0xffffffff81000010n],
      [frameKinds.kernel, 0xffffffffc000001fn],
      [frameKinds.native, 0x401234n],
    ],
  );
});

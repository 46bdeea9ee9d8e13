import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PerfEntry } from '../../../src/cli/replay/perf-script.ts';
import { parsePerfScript } from '../../../src/cli/replay/perf-script.ts';

function parse(...lines: string[]): PerfEntry[] {
  return [...parsePerfScript(lines.join('\n'))];
}

test('parsePerfScript reads a mapping with a build ID', () => {
  const [entry] = parse(
    'workc 14337/14337 [001]  1450.208576918: PERF_RECORD_MMAP2 14337/14337: [0x5645e59ff000(0x2000) @ 0x1000 <677e4fc3>]: r-xp /srv/app/workc',
  );
  assert.deepEqual(entry, {
    kind: 'mapping',
    timeNano: 1_450_208_576_918n,
    pid: 14337,
    comm: 'workc',
    start: 0x5645e59ff000n,
    size: 0x2000n,
    fileOffset: 0x1000n,
    buildId: '677e4fc3',
    path: '/srv/app/workc',
  });
});

test('parsePerfScript reads a mapping with device and inode, the kernel, and leaves out data', () => {
  const entries = parse(
    'a b  12/13  [000] 1.5: PERF_RECORD_MMAP2 12/13: [0x1000(0x2000) @ 0x26000 fe:00 339380 0]: r-xp /lib/libc.so.6',
    'a b  12/13  [000] 1.5: PERF_RECORD_MMAP2 12/13: [0x4000(0x2000) @ 0 fe:00 339380 0]: rw-p /lib/libc.so.6',
    'swapper 0/0 [000] 0.0: PERF_RECORD_MMAP2 -1/0: [0xffffffff81000000(0x120bb08) @ 0xffffffff81000000 <4a5a>]: ---p [kernel.kallsyms]_text',
  );
  const read = entries.map((entry) => entry.kind === 'mapping' && [entry.path, entry.fileOffset, entry.timeNano]);
  assert.deepEqual(read, [
    ['/lib/libc.so.6', 0x26000n, 1_500_000_000n],
    ['[kernel.kallsyms]_text', 0xffffffff81000000n, 0n],
  ]);
});

for (const { name, head, expected } of [
  {
    name: 'all fields',
    head: 'workc 7/8 [001]  1450.217332289: 10101010 cpu-clock:pppH: ',
    expected: [7, 8, 1, 'workc'],
  },
  { name: 'few fields', head: 'workc 7 1450.217332289: ', expected: [7, 7, -1, 'workc'] },
  {
    name: 'a name with spaces',
    head: 'VM Thread 7/9 [000] 1450.217332289: cpu-clock: ',
    expected: [7, 9, 0, 'VM Thread'],
  },
]) {
  test(`parsePerfScript reads a sample with ${name}`, () => {
    const [sample] = parse(head, '\t 1f1b main+0x14b (/srv/app/workc)', '');
    assert.ok(sample?.kind === 'sample');
    assert.deepEqual([sample.pid, sample.tid, sample.cpu, sample.comm], expected);
    assert.equal(sample.timeNano, 1_450_217_332_289n);
    assert.equal(sample.frames.length, 1);
  });
}

for (const { line, expected } of [
  { line: '\t1f1b app::words+0x14b (/srv/app/workc)', expected: [0x1f1bn, 'app::words', 0x14bn, '/srv/app/workc'] },
  {
    line: '\t  12 operator()(int) const+0x2 (/a b (deleted))',
    expected: [0x12n, 'operator()(int) const', 2n, '/a b (deleted)'],
  },
  { line: '\t20570613d6932100 [unknown] ([unknown])', expected: [0x20570613d6932100n, '', 0n, '[unknown]'] },
  {
    line: '\tffffffff817e25b0 __read_end_io+0xf0 ([kernel.kallsyms])',
    expected: [0xffffffff817e25b0n, '__read_end_io', 0xf0n, '[kernel.kallsyms]'],
  },
  {
    line: '\t7f00 JS:*fib /x.js:5:13+0x1 (/tmp/perf-7.map)',
    expected: [0x7f00n, 'JS:*fib /x.js:5:13', 1n, '/tmp/perf-7.map'],
  },
  { line: '\t1f1b main', expected: [0x1f1bn, 'main', 0n, ''] },
  { line: '\t1f1b', expected: [0x1f1bn, '', 0n, ''] },
]) {
  test(`parsePerfScript reads the frame "${line.trim()}"`, () => {
    const [sample] = parse('a 1/1 [000] 1.0:', line);
    assert.ok(sample?.kind === 'sample');
    const { address, symbol, symbolOffset, path } = sample.frames[0]!;
    assert.deepEqual([address, symbol, symbolOffset, path], expected);
  });
}

test('parsePerfScript reads exits and losses, and leaves out the rest', () => {
  const entries = parse(
    '# captured on: today',
    'a 5/5 [000] 1.0: PERF_RECORD_EXIT(5:5):(1:1)',
    'a 5/6 [000] 1.0: PERF_RECORD_EXIT(5:6):(1:1)',
    'a 5/5 [000] 1.0: PERF_RECORD_LOST lost 22',
    'a 5/5 [000] 1.0: PERF_RECORD_COMM: a:5/5',
    'nonsense',
  );
  assert.deepEqual(entries, [
    { kind: 'exit', timeNano: 1_000_000_000n, pid: 5 },
    { kind: 'loss', count: 22n },
  ]);
});

test('parsePerfScript needs no empty line between samples', () => {
  const entries = parse('a 1/1 [000] 1.0:', '\t 10 f (/x)', 'a 1/1 [000] 2.0:', '\t 11 g (/x)', '\t 12 h (/x)');
  assert.deepEqual(
    entries.map((entry) => entry.kind === 'sample' && entry.frames.length),
    [1, 2],
  );
});

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { Remarks } from '../../../src/cli/replay/collected.ts';
import type { PerfEntry } from '../../../src/cli/replay/perf-entries.ts';
import { parsePerfScript, withoutProcess, withoutTime } from '../../../src/cli/replay/perf-script.ts';

function parse(...lines: string[]): PerfEntry[] {
  return [...parsePerfScript(lines.join('\n'), new Remarks())];
}

test('parsePerfScript reads a mapping with a build ID', () => {
  const [entry] = parse(
    'workc 14337/14337 [001]  1450.208576918: PERF_RECORD_MMAP2 14337/14337: [0x5645e59ff000(0x2000) @ 0x1000 <677e4fc3>]: r-xp /srv/app/workc',
  );
  assert.deepEqual(entry, {
    kind: 'mapping',
    timeNano: 1_450_208_576_918n,
    pid: 14337,
    tid: 14337,
    comm: 'workc',
    start: 0x5645e59ff000n,
    end: 0x5645e5a01000n,
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
  { name: 'few fields', head: 'workc 7 1450.217332289: ', expected: [undefined, 7, -1, 'workc'] },
  { name: 'a name like a comment', head: '#1 reactor 7/9 [000] 1450.217332289: ', expected: [7, 9, 0, '#1 reactor'] },
  { name: 'no name', head: ' 7/9 [000] 1450.217332289: ', expected: [7, 9, 0, ''] },
  { name: 'a name of digits', head: '  12 34/5 7/9 [000] 1450.217332289: ', expected: [7, 9, 0, '12 34/5'] },
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
  {
    line: "\t7f00 RegExp.> src: 'foo (\\/bar|baz)' flags: ''+0x10 (/tmp/perf-9.map)",
    expected: [0x7f00n, "RegExp.> src: 'foo (\\/bar|baz)' flags: ''", 0x10n, '/tmp/perf-9.map'],
  },
  {
    line: "\t7f00 RegExp.> src: '^ ([a-z]+) (/x)' flags: ''+0x10 (/tmp/a (b)/perf-9.map (deleted))",
    expected: [0x7f00n, "RegExp.> src: '^ ([a-z]+) (/x)' flags: ''", 0x10n, '/tmp/a (b)/perf-9.map (deleted)'],
  },
  { line: '\t1f1b (/usr/bin/a b)', expected: [0x1f1bn, '', 0n, '/usr/bin/a b'] },
  { line: '\t1f1b f(int) (vmlinux)', expected: [0x1f1bn, 'f(int)', 0n, 'vmlinux'] },
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

for (const { line, expected } of [
  { line: 'PERF_RECORD_EXIT(5:5):(1:1)', expected: { kind: 'exit', pid: 5, tid: 5, parentPid: 0, comm: '' } },
  { line: 'PERF_RECORD_EXIT(5:6):(1:1)', expected: undefined },
  { line: 'PERF_RECORD_FORK(7:7):(5:5)', expected: { kind: 'fork', pid: 7, tid: 7, parentPid: 5, comm: '' } },
  { line: 'PERF_RECORD_COMM: a b:5/5', expected: { kind: 'name', pid: 5, tid: 5, parentPid: 0, comm: 'a b' } },
  { line: 'PERF_RECORD_COMM exec: x:y:5/5', expected: { kind: 'exec', pid: 5, tid: 5, parentPid: 0, comm: 'x:y' } },
  { line: 'PERF_RECORD_LOST lost 22', expected: { kind: 'loss', count: 22n } },
  { line: 'PERF_RECORD_LOST_SAMPLES lost 3', expected: { kind: 'loss', count: 3n } },
  { line: 'PERF_RECORD_SWITCH IN', expected: undefined },
]) {
  test(`parsePerfScript reads ${line}`, () => {
    const [entry] = parse(`a 5/5 [000] 1.0: ${line}`);
    const timed = expected?.kind === 'loss' ? expected : expected && { timeNano: 1_000_000_000n, ...expected };
    assert.deepEqual(entry, timed);
  });
}

test('parsePerfScript counts what it leaves out by reason', () => {
  const remarks = new Remarks();
  const lines = [
    '# captured on: today',
    'nonsense',
    'java 19983 cycles:',
    '      7f7241fbe6d8 leaf (/usr/lib/libjvm.so)',
    '',
    'java 12.345678: cycles:',
    '\t7f7241fbe6d8 leaf (/usr/lib/libjvm.so)',
  ];
  assert.deepEqual([...parsePerfScript(lines.join('\r\n'), remarks)], []);
  assert.deepEqual(Object.fromEntries(remarks.counts), {
    'lines of unknown form': 1,
    [withoutTime]: 1,
    [withoutProcess]: 1,
  });
});

test('parsePerfScript takes source lines for those of the frame above', () => {
  const [sample] = parse('a 1/1 [000] 1.0:', '\t10 f+0x1 (/x)', '  src/a b.c:12', '\t11 g (/x)', '  ??:0');
  assert.ok(sample?.kind === 'sample');
  assert.deepEqual(
    sample.frames.map(({ symbol, sourceFile, sourceLine }) => [symbol, sourceFile, sourceLine]),
    [
      ['f', 'src/a b.c', 12],
      ['g', '', 0],
    ],
  );
});

for (const { event, expected } of [
  { event: '10101010 cpu-clock:pppH: ', expected: [10_101_010n, 'cpu-clock:pppH'] },
  { event: 'cycles:', expected: [0n, 'cycles'] },
  { event: '1 sched:sched_switch: prev_comm=a prev_pid=1 ==> 2.0: x', expected: [1n, 'sched:sched_switch'] },
  { event: '', expected: [0n, ''] },
]) {
  test(`parsePerfScript reads the event of "${event}"`, () => {
    const [sample] = parse(`a 1/1 [000] 1.0: ${event}`);
    assert.ok(sample?.kind === 'sample');
    assert.deepEqual([sample.period, sample.event], expected);
  });
}

test('parsePerfScript leaves out a mapping that wraps around the end of memory', () => {
  assert.deepEqual(parse('a 5/5 [000] 1.0: PERF_RECORD_MMAP 5/5: [0xffffffffffffffff(0x2) @ 0]: x /x'), []);
});

test('parsePerfScript takes any text, and text that a few signs were changed in', () => {
  const recorded = readFileSync(join(import.meta.dirname, '../../../recordings/c/perf.script.txt'), 'utf8');
  const start = recorded.indexOf('PERF_RECORD_MMAP2');
  const piece = recorded.slice(start, start + 4_000);
  const sign = fc.constantFrom(' ', '\t', '\n', '(', ')', '/', ':', '0', 'f', '[');
  const changed = fc.array(fc.tuple(fc.nat(piece.length - 1), sign), { maxLength: 40 }).map((changes) => {
    const signs = [...piece];
    for (const [at, other] of changes) signs[at] = other;
    return signs.join('');
  });
  fc.assert(
    fc.property(fc.oneof(fc.string({ maxLength: 200 }), changed), (text) => {
      for (const entry of parse(text)) {
        if (entry.kind === 'mapping') assert.ok(entry.start < entry.end && entry.end <= 1n << 64n);
        if (entry.kind === 'sample') for (const { address } of entry.frames) assert.ok(address < 1n << 64n);
      }
    }),
  );
});

for (const line of [
  `a 1${' '.repeat(200_000)}x`,
  `${'a 1/1 [0] '.repeat(50_000)}:`,
  `\t12${' ('.repeat(200_000)})`,
  '1.0:'.repeat(100_000),
]) {
  test(`parsePerfScript reads a line of ${line.length} signs like "${line.slice(0, 8)}" in linear time`, () => {
    const startedMs = performance.now();
    parse('a 1/1 [000] 1.0:', line, line);
    // With patterns that go back this took hours.
    assert.ok(performance.now() - startedMs < 5_000);
  });
}

test('parsePerfScript needs no empty line between samples', () => {
  const entries = parse('a 1/1 [000] 1.0:', '\t 10 f (/x)', 'a 1/1 [000] 2.0:', '\t 11 g (/x)', '\t 12 h (/x)');
  assert.deepEqual(
    entries.map((entry) => entry.kind === 'sample' && entry.frames.length),
    [1, 2],
  );
});

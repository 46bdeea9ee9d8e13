import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Recording } from '../../../src/cli/replay/collected.ts';
import { readRecording } from '../../../src/cli/replay/read-recording.ts';
import { frameTypeName } from '../../../src/model/frame-kind.ts';

const folder = mkdtempSync(join(tmpdir(), 'framekeeper-stacks-'));
after(() => rmSync(folder, { recursive: true }));

function read(...lines: readonly string[]): Recording {
  const file = join(folder, 'stacks.txt');
  writeFileSync(file, `${lines.join('\n')}\n`);
  return readRecording(file);
}

/** `process value: leaf … root`, each frame as `type:name`. */
function stacks({ samples }: Recording): string[] {
  return samples.map(({ process, value, frames }) => {
    const names = frames.map(({ kind, name }) => {
      const text = name === undefined ? '?' : name.kind === 'stub' ? name.functionName : name.symbol.functionName;
      return `${frameTypeName(kind)}:${text}`;
    });
    return `${process.comm} ${value}: ${names.join(' ')}`;
  });
}

test("folded stacks of bcc's profile -f -d: process first, the kernel behind a dash", () => {
  const recording = read('bash;main;execute command;-;entry_SYSCALL_64;do_exit 3', 'swapper/0;-;default_idle 12');
  assert.deepEqual(stacks(recording), [
    'bash 3: kernel:do_exit kernel:entry_SYSCALL_64 native:execute command native:main',
    'swapper/0 12: kernel:default_idle',
  ]);
});

test('collapsed stacks of async-profiler: no process, marks behind names', () => {
  const recording = read(
    'java/lang/Thread.run_[1];Work.main_[j];[unknown];do_syscall_64_[k] 7',
    'start_thread;GCTask::run 1',
  );
  assert.deepEqual(stacks(recording), [
    'stacks.txt 7: kernel:do_syscall_64 native:? native:Work.main jvm:java/lang/Thread.run',
    'stacks.txt 1: native:GCTask::run native:start_thread',
  ]);
});

test('raw output of py-spy: function, file and line', () => {
  const recording = read('<module> (work.py:30);fib (work.py:3) 42', '<module> (work.py:30);deep (lib/a b.py) 1');
  assert.deepEqual(stacks(recording), [
    'stacks.txt 42: cpython:fib cpython:<module>',
    'stacks.txt 1: cpython:deep cpython:<module>',
  ]);
  const name = recording.samples[0]?.frames[0]?.name;
  assert.ok(name?.kind === 'symbol');
  assert.deepEqual([name.symbol.filePath, name.symbol.line], ['work.py', 3]);
});

test("bpftrace's maps: the kernel's stack first, further keys behind", () => {
  const recording = read(
    'Attaching 1 probe...',
    '',
    '@[',
    '    finish_task_switch+372',
    '    schedule+108',
    ',',
    '    0x7f3a1b2c',
    '    main+0x12',
    ', bash, 1234]: 5',
    '@cpu[',
    '    main+16',
    ']: 2',
    '@[, ',
    '    main+10',
    ', dd]: 1',
    '@[',
    '\tffffffff81000010 do_idle+16 ([kernel.kallsyms])',
    '\t401234 operator()(int)+4 (/usr/bin/tool)',
    ']: 9',
    '@total: 17',
  );
  assert.deepEqual(stacks(recording), [
    'bash 5: kernel:finish_task_switch kernel:schedule native:? native:main',
    'stacks.txt 2: native:main',
    'dd 1: native:main',
    'stacks.txt 9: kernel:do_idle native:operator()(int)',
  ]);
  assert.equal(recording.samples[0]?.process.pid, 1234);
  assert.deepEqual(
    [...recording.remarks],
    [
      ['lines of unknown form', 1],
      ['stacks whose counts are taken for samples (--type says otherwise)', 4],
    ],
  );
});

test('lines and stacks that cannot be used are counted by reason', () => {
  const recording = read('a;b 1', 'no count', 'a;b 0', 'a; 2');
  assert.equal(recording.samples.length, 2);
  assert.deepEqual(Object.fromEntries(recording.remarks), {
    'lines of unknown form': 1,
    'stacks with a count of 0': 1,
    'stacks whose counts are taken for samples (--type says otherwise)': 2,
  });
});

test('text with counts and without any stack says so', () => {
  assert.throws(() => read('a;b 0'), /has no stacks with a count/);
});

test('perf script text that ends its lines with a number is no folded text', () => {
  const recording = read('app 1/1 [000] 1.0: 10101010', '\t401000 f (/x)');
  assert.equal(recording.samples[0]?.type.periodType, 'cpu');
});

test('a function is the same in every stack, and counts are values of samples without a period', () => {
  const { samples } = read('a;f;g 2', 'b;f;h 3');
  assert.equal(samples[0]?.frames[1], samples[1]?.frames[1]);
  assert.deepEqual(
    samples.map(({ type, value }) => [type.sampleType, type.sampleUnit, type.period, value]),
    [
      ['samples', 'count', 0n, 2n],
      ['samples', 'count', 0n, 3n],
    ],
  );
});

test('counts are of the type that the user tells, and then nothing is guessed', () => {
  const file = join(folder, 'off-cpu.txt');
  writeFileSync(file, 'a;f 2000\n');
  const { samples, remarks } = readRecording(file, 'auto', 'off_cpu/microseconds');
  assert.deepEqual(
    [samples[0]?.type.sampleType, samples[0]?.type.sampleUnit, samples[0]?.value],
    ['off_cpu', 'microseconds', 2000n],
  );
  assert.equal(remarks.size, 0);
});

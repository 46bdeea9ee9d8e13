import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { CollectedFrame, Recording } from '../../../src/cli/replay/collected.ts';
import { readRecording } from '../../../src/cli/replay/read-recording.ts';
import { frameTypeName } from '../../../src/model/frame-kind.ts';
import { batchesOf } from '../../support/batches-of.ts';

// Small inputs after reports of users about perf, profilers and runtimes, each with one thing that is easily got wrong.
const cases = join(import.meta.dirname, 'fixtures/cases');
const folder = mkdtempSync(join(tmpdir(), 'framekeeper-cases-'));
after(() => rmSync(folder, { recursive: true }));

function read(name: string): Recording {
  return readRecording(join(cases, name));
}

function nameOf({ name }: CollectedFrame): string {
  return name === undefined ? '' : name.kind === 'stub' ? name.functionName : name.symbol.functionName;
}

function names({ samples }: Recording): string[][] {
  return samples.map(({ frames }) => frames.map(nameOf));
}

/** `file address` of every frame; without a file the address alone. */
function places({ samples }: Recording): string[][] {
  return samples.map(({ frames }) => {
    return frames.map(({ address, mapping }) => `${mapping?.executable.fileName ?? ''} ${address.toString(16)}`.trim());
  });
}

test('kernel frames have no name where kptr_restrict hides the addresses of kallsyms', () => {
  const [sample] = read('kptr-kallsyms').samples;
  assert.deepEqual(
    sample?.frames.map((frame) => [frameTypeName(frame.kind), nameOf(frame)]),
    [
      ['kernel', ''],
      ['kernel', ''],
      ['kernel', ''],
      ['native', ''],
    ],
  );
});

test('frames of which perf knows nothing keep their address and place, in the kernel too', () => {
  const recording = read('unknown-frames.perf.txt');
  assert.deepEqual(names(recording), [
    ['', '', '__read', 'main'],
    [''],
    ['compute', '', 'main'],
    ['', 'compute', 'main'],
  ]);
  assert.deepEqual(
    recording.samples.map(({ frames }) => frames.map(({ kind }) => frameTypeName(kind))[0]),
    ['kernel', 'kernel', 'native', 'native'],
  );
  assert.equal(recording.samples[0]?.frames[0]?.address, 0xffffffffa606e8c5n);
  assert.equal(recording.samples[3]?.frames[0]?.address, 0x7e1234567890n);
  assert.deepEqual(recording.lost, []);
});

test('several events of one file are types of their own', () => {
  const recording = read('two-events.perf.txt');
  assert.deepEqual(
    recording.samples.map(({ type, value }) => [`${type.sampleType}/${type.sampleUnit}`, type.periodType, value]),
    [
      ['samples/count', 'cpu', undefined],
      ['page-faults/count', '', 1n],
      ['sched:sched_switch/count', '', 1n],
      ['sched:sched_switch/count', '', 1n],
    ],
  );
  const [batch] = [...batchesOf(recording, new Uint8Array(16), 1n)];
  assert.equal(batch?.profileTypes.length, 3);
  assert.deepEqual(
    batch?.samples.map(({ profileType, values }) => [profileType, values]),
    [
      [1, undefined],
      [2, [1n]],
      [3, [1n]],
      [3, [1n]],
    ],
  );
});

test('regular expressions of Node.js 24 have their whole names in perf script text', () => {
  const frames = read('node24-regexp.perf.txt').samples.map(({ frames: [leaf] }) => leaf!);
  assert.deepEqual(
    frames.map((frame) => [frameTypeName(frame.kind), nameOf(frame), frame.mapping]),
    [
      ['v8js', "RegExp.> src: '^ ([a-z]+) (\\d+)$' flags: ''", undefined],
      ['v8js', "RegExp.> src: 'foo (\\/bar|baz)' flags: ''", undefined],
    ],
  );
});

test('an entry of a perf map over two lines is one name', () => {
  assert.deepEqual(
    names(read('node24-map')).map(([leaf]) => leaf),
    [
      "RegExp.> src: 'HELLO\\nWORLD' flags: 'sy'",
      "RegExp.> src: '^ ([a-z]+) (\\d+)$' flags: ''",
      "RegExp.> src: 'a\\nbeef 10 b' flags: ''",
    ],
  );
});

test('names of threads may look like comments or be empty', () => {
  const { samples, remarks } = read('odd-comm.perf.txt');
  assert.equal(remarks.size, 0);
  assert.deepEqual(
    samples.map(({ threadName, frames }) => [threadName, frames.length]),
    [
      ['#1 reactor', 2],
      ['', 2],
      ['app', 2],
    ],
  );
});

test('threads whose process is not printed are of the one process that has their code in its memory', () => {
  const recording = read('tid-only.perf.txt');
  assert.deepEqual(
    recording.samples.map(({ process, threadId }) => [process.pid, threadId]),
    [
      [700, 700],
      [700, 701],
      [700, 702],
    ],
  );
  assert.deepEqual(new Set(places(recording).flat()), new Set(['srv 1200']));
  assert.deepEqual(
    [...recording.remarks],
    [['samples with a thread ID alone, given to the process that has their code in its memory', 2]],
  );
});

test("a child of fork has its parent's mappings", () => {
  const recording = read('fork.perf.txt');
  assert.deepEqual(places(recording), [['srv 1200'], ['srv 1200']]);
  assert.deepEqual(
    recording.samples.map(({ process, frames }) => [
      process.pid,
      process.executablePath,
      process.comm,
      frames[0]?.mapping?.executable.gnuBuildId.slice(0, 4),
    ]),
    [
      [700, '/opt/srv', 'parent', 'aabb'],
      [701, '/opt/srv', 'worker', 'aabb'],
    ],
  );
});

for (const name of ['exec-symlink.perf.txt', 'exec-symlink']) {
  test(`after exec through a link the process is the program behind it (${name})`, () => {
    const { samples, processes } = read(name);
    const last = samples.at(-1)!;
    assert.deepEqual(
      processes.map(({ comm, executablePath }) => [comm, executablePath]),
      [
        ['crun', '/usr/bin/crun'],
        ['python', '/usr/bin/python3.12'],
      ],
    );
    assert.equal(last.process, processes[1]);
    assert.equal(last.frames[0]?.mapping?.executable.fileName, 'python3.12');
    assert.equal(samples[0]?.process, processes[0]);
  });
}

test("mappings that were seen before a process's first sample count", () => {
  const { samples, remarks } = read('early-map');
  assert.deepEqual(
    samples.map(({ frames }) => frames.length),
    [4, 3, 3, 3, 2],
  );
  assert.equal(samples[0]?.process.executablePath, '/opt/rt');
  assert.equal(remarks.size, 0);
});

test('modules are files of their own, arm64 has kernel addresses, and a deleted file is the same', () => {
  const recording = read('kernel-kinds.perf.txt');
  assert.deepEqual(places(recording), [
    ['nf_conntrack ffffffffc0a01234', 'vmlinux ffffffff810000ff', 'app 402000'],
    ['vmlinux ffff000008081000', 'app 402000'],
    ['app 401000', 'app 401fff'],
    ['app 401000', 'app 401fff'],
  ]);
  const frames = recording.samples.flatMap((sample) => sample.frames);
  for (const { address, mapping } of frames) {
    const isUnknown = mapping?.start === 0n && mapping.end === 0n;
    assert.ok(isUnknown || (address >= mapping!.start && address < mapping!.end), address.toString(16));
  }
  assert.deepEqual(
    frames.slice(0, 5).map(({ kind }) => frameTypeName(kind)),
    ['kernel', 'kernel', 'native', 'kernel', 'native'],
  );
  const owners = frames.filter(({ address }) => address === 0x401000n).map(({ owner }) => owner);
  assert.equal(new Set(owners).size, 1);
});

test('lines may end with CR LF', () => {
  assert.deepEqual(names(read('crlf.perf.txt')), [['leaf', 'main']]);
});

test('text without times says so', () => {
  assert.throws(() => read('no-time.perf.txt'), /has only samples without time \(print it: perf script -F \+time\)/);
});

test('a name that is too long is cut between two characters, and nothing else is lost', () => {
  const long = `ns::f<${'é'.repeat(45_000)}>`;
  const lines = Array.from({ length: 60 }, (_, index) => [
    `app 501/501 [000] 1.${String(index).padStart(6, '0')}: 10101010 cpu-clock:`,
    `\t401${String(index).padStart(3, '0')} ${index === 30 ? long : `f${index}`}+0x4 (/opt/app)`,
    '',
  ]);
  const file = join(folder, 'long-name.perf.txt');
  writeFileSync(file, lines.flat().join('\n'));
  const batches = [...batchesOf(readRecording(file), new Uint8Array(16), 1n)];
  assert.equal(
    batches.reduce((sum, { samples }) => sum + samples.length, 0),
    60,
  );
  const longest = batches.flatMap(({ strings }) => strings).sort((a, b) => b.length - a.length)[0]!;
  assert.ok(Buffer.byteLength(longest) <= 65_535 && Buffer.byteLength(longest) > 65_530);
  assert.match(longest, /^ns::f<é+…$/);
});

for (const { name, head, remedy } of [
  { name: 'perf.data', head: 'PERFILE2\0\0', remedy: /perf script/ },
  { name: 'a flight recording', head: 'FLR\0\0\x02', remedy: /jfrconv/ },
  { name: 'a compressed file', head: '\x1f\x8b\x08\0', remedy: /unpack it/ },
  { name: 'JSON', head: '{"resourceProfiles":[]}', remedy: /framekeeper inspect/ },
  { name: 'another binary', head: '\x0a\0\x01', remedy: /is binary; replay reads perf script text, folded stacks/ },
]) {
  test(`${name} is named with what would be read`, () => {
    const file = join(folder, 'foreign');
    writeFileSync(file, head, 'latin1');
    assert.throws(() => readRecording(file), remedy);
  });
}

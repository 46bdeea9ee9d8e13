import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CollectedFrame, Recording } from '../../../src/cli/replay/collected.ts';
import { nameShares } from '../../../src/cli/replay/name-shares.ts';
import { unmappedAddresses } from '../../../src/cli/replay/raw-recording.ts';
import { bundledRecordings, readRecording } from '../../../src/cli/replay/read-recording.ts';
import { frameKinds, isCollectorNamed } from '../../../src/model/frame-kind.ts';
import { Demangler, loadDemangler } from '../../../src/native/demangle/demangler.ts';
import { inflateInMemory } from '../../../src/native/elf/section-reader.ts';
import { identify } from '../../../src/native/files/file-identity.ts';
import { openRegularFile } from '../../../src/native/files/open-file.ts';
import { ObjectFile } from '../../../src/native/object-file.ts';
import { toSymbol } from '../../../src/native/worker/to-symbol.ts';
import { batchesOf } from '../../support/batches-of.ts';

const recordings = new Map(bundledRecordings.map((name) => [name, readRecording(name)]));

function recorded(name: string): Recording {
  return recordings.get(name)!;
}

function framesOf({ samples }: Recording): CollectedFrame[] {
  return samples.flatMap(({ frames }) => frames);
}

// What the recorder itself counted: frames of all samples, after broken frame pointer chains were cut.
for (const { name, samples, kernel, native, runtime } of [
  { name: 'c', samples: 933, kernel: 18, native: 6_387, runtime: { kind: frameKinds.native, frames: 6_387 } },
  { name: 'java', samples: 753, kernel: 32, native: 5_114, runtime: { kind: frameKinds.jvm, frames: 3_666 } },
  { name: 'kern', samples: 557, kernel: 4_447, native: 552, runtime: { kind: frameKinds.native, frames: 552 } },
  { name: 'node', samples: 285, kernel: 69, native: 4_844, runtime: { kind: frameKinds.v8js, frames: 1_841 } },
  { name: 'python', samples: 884, kernel: 55, native: 888, runtime: { kind: frameKinds.cpython, frames: 5_387 } },
]) {
  test(`the recording ${name} becomes samples with frames of every kind`, () => {
    const shares = nameShares([recorded(name)]);
    const frames = (kind: Parameters<typeof shares.get>[0]): number => shares.get(kind)?.frames ?? 0;
    assert.equal(recorded(name).samples.length, samples);
    assert.deepEqual([frames(frameKinds.kernel), frames(frameKinds.native)], [kernel, native]);
    assert.equal(frames(runtime.kind), runtime.frames);
  });

  test(`every frame of ${name} that only a collector can name is named`, () => {
    for (const [kind, share] of nameShares([recorded(name)])) {
      if (isCollectorNamed(kind)) assert.equal(share.named, share.frames, `frame kind ${kind}`);
    }
  });
}

test('all Python frames have file and line', () => {
  const { frames, located } = nameShares([recorded('python')]).get(frameKinds.cpython)!;
  assert.equal(located, frames);
});

test('Python frames have the lines that the source has', () => {
  const lines = new Map<string, Set<number>>();
  for (const { name } of framesOf(recorded('python'))) {
    if (name?.kind !== 'symbol' || name.symbol.filePath !== '/srv/app/work.py') continue;
    const { functionName, line } = name.symbol;
    lines.set(functionName, (lines.get(functionName) ?? new Set()).add(line));
  }
  // Functions of one line.
  assert.deepEqual(lines.get('fib'), new Set([3]));
  assert.deepEqual(lines.get('deep'), new Set([15]));
  assert.deepEqual(lines.get('jsonw.<locals>.<dictcomp>'), new Set([8]));
});

test('a Python stack is kernel, native leaf, then the interpreter down to the module', () => {
  const order = [frameKinds.kernel, frameKinds.native, frameKinds.cpython] as number[];
  for (const { frames, truncated } of recorded('python').samples) {
    const positions = frames.map(({ kind }) => order.indexOf(kind));
    assert.deepEqual(positions, positions.toSorted());
    const { kind, name } = frames.at(-1)!;
    if (kind !== frameKinds.cpython || truncated) continue;
    assert.equal(name?.kind === 'symbol' && name.symbol.functionName, '<module>');
  }
});

test('the JVM names interpreter, stubs, adapters and compiled methods', () => {
  const kinds = new Map<string, Set<string>>();
  for (const { name } of framesOf(recorded('java'))) {
    if (name?.kind === 'stub') kinds.set(name.stubKind, (kinds.get(name.stubKind) ?? new Set()).add(name.functionName));
  }
  assert.deepEqual([...kinds.keys()].toSorted(), ['interpreter', 'jit', 'stub']);
  assert.deepEqual(kinds.get('interpreter'), new Set(['Interpreter']));
  assert.ok(kinds.get('stub')?.has('StubRoutines (1)'));
  assert.ok(kinds.get('jit')?.has('java.util.HashMap.merge'));
});

test('V8 functions have their file and line', () => {
  const names = framesOf(recorded('node')).map(({ name }) => name);
  const fib = names.find((name) => name?.kind === 'stub' && name.functionName === 'fib' && name.tier === 'turbofan');
  assert.ok(fib?.kind === 'stub');
  assert.deepEqual([fib.file, fib.line], ['/srv/app/work.js', 5]);
});

test("both places of V8's builtins are the same code", () => {
  // The file offset 0x14c4000 is mapped at its linked address and again at 0x7fd912600000.
  const builtins = framesOf(recorded('node')).filter(
    ({ name }) => name?.kind === 'stub' && /^Builtin:/.test(name.functionName),
  );
  assert.ok(builtins.length > 1_000);
  for (const { address } of builtins) assert.ok(address >= 0x18c4000n && address < 0x2600000n, address.toString(16));
});

test('native frames of an ET_EXEC file lie inside of its mapping', () => {
  const frames = framesOf(recorded('node')).filter(({ mapping }) => mapping?.executable.fileName === 'node');
  assert.ok(frames.length > 1_000);
  for (const { address, mapping } of frames) {
    if (mapping === undefined) continue;
    assert.ok(address >= mapping.start && address < mapping.end);
    assert.equal(mapping.start - mapping.fileOffset, 0x400000n);
  }
});

test('every native frame lies inside of its mapping, which has a build ID', () => {
  for (const name of bundledRecordings) {
    for (const { kind, address, mapping } of framesOf(recorded(name))) {
      if (kind !== frameKinds.native) continue;
      assert.ok(mapping !== undefined && address >= mapping.start && address < mapping.end);
      assert.match(mapping.executable.gnuBuildId, /^[0-9a-f]{40}$/);
    }
  }
});

test('the kernel is known by its build ID', () => {
  const frame = framesOf(recorded('kern')).find(({ kind }) => kind === frameKinds.kernel)!;
  const { fileName, gnuBuildId, fileIdIsHtlhash } = frame.mapping!.executable;
  assert.deepEqual(
    [fileName, gnuBuildId, fileIdIsHtlhash],
    ['vmlinux', '4a5a9b0affb66c437abcd455d2738af879985fa9', false],
  );
});

test('an exec begins a process of its own', () => {
  const { processes, samples } = recorded('kern');
  for (const pid of [14830, 14881]) {
    const [shell, dd, ...others] = processes.filter((process) => process.pid === pid);
    assert.deepEqual([shell?.comm, dd?.comm, others.length], ['kern.sh', 'dd', 0]);
    assert.deepEqual([shell?.executablePath, dd?.executablePath], ['/usr/bin/bash', '/usr/bin/dd']);
    assert.equal(shell?.endNano, dd?.firstSeenNano);
    assert.ok(samples.some(({ process }) => process === dd));
  }
  assert.equal(processes.length, 48);
  assert.equal(new Set(processes.map(({ pid }) => pid)).size, 46);
});

test('samples after an exec and before the collector looked are understood too', () => {
  const { samples } = recorded('kern');
  const early = samples.filter(({ timeNano }) => timeNano >= 1_517_963_570_761n && timeNano <= 1_517_993_879_106n);
  const libc = early.filter(({ frames }) => frames.some(({ mapping }) => mapping?.executable.fileName === 'libc.so.6'));
  assert.ok(libc.length >= 4);
});

test('broken frame pointer chains end a stack, mark it and are counted', () => {
  assert.deepEqual(
    bundledRecordings.map((name) => recorded(name).remarks.get(unmappedAddresses)),
    [36, undefined, 468, 9, 2_065],
  );
  assert.deepEqual(recorded('kern').lost, [{ reason: 'REASON_UNWIND_FAILED', count: 2n }]);
});

test('a stack that ends in garbage is marked, unless the interpreter knows the rest', () => {
  const marked = bundledRecordings.map((name) => recorded(name).samples.filter(({ truncated }) => truncated).length);
  // c: 28 at the limit and 26 broken ones; python: 6 at the limit of the interpreter's walk, 2 without interpreter.
  assert.deepEqual(marked, [54, 0, 403, 9, 8]);
});

test('stacks at the depth limit are marked', () => {
  const deepest = recorded('c').samples.filter(({ frames }) => frames.length >= 127);
  assert.ok(deepest.length > 20);
  for (const { truncated } of deepest) assert.ok(truncated);
  assert.equal(recorded('java').samples.filter(({ truncated }) => truncated).length, 0);
});

test('a return address counts as the call before it', () => {
  // _start's call of main: libc's recorded return address is file offset 0x2724a.
  const { frames } = recorded('c').samples.find((sample) => sample.frames.length === 3)!;
  assert.equal(frames.at(-1)?.address, 0x27249n);
});

for (const name of bundledRecordings) {
  test(`batchesOf gives each name of ${name} once, before or with the sample that needs it`, () => {
    const seen = new Set<string>();
    for (const batch of batchesOf(recorded(name), new Uint8Array(16), 1_800_000_000_000_000_000n)) {
      const ids = batch.symbols.map(({ fileId, addressOrLine }) => {
        return `${Buffer.from(batch.fileIds).toString('hex', (fileId - 1) * 16, fileId * 16)} ${addressOrLine}`;
      });
      for (const id of [...ids, ...batch.stubs.map(({ start }) => `${start}`)]) {
        assert.ok(!seen.has(id), `${id} is named twice`);
        seen.add(id);
      }
    }
    assert.ok(seen.size > 0);
  });
}

for (const { name, share, lines } of [
  { name: 'c', share: 0.998, lines: 0.99 },
  { name: 'java', share: 1, lines: 0.14 },
  { name: 'kern', share: 0.96, lines: 0.96 },
  { name: 'node', share: 1, lines: 0.17 },
  { name: 'python', share: 0.98, lines: 0.96 },
]) {
  test(`native frames of ${name} have the names that the symbolizer found in the recorded files`, () => {
    const native = nameShares([recorded(name)]).get(frameKinds.native)!;
    assert.ok(native.named / native.frames >= share, `${native.named} of ${native.frames}`);
    assert.ok(native.located / native.frames >= lines, `${native.located} of ${native.frames}`);
  });
}

test('an inlined function of the C++ program is named where its binary says, and the binary is beside the recording', async () => {
  const frame = framesOf(recorded('c')).find(
    ({ name }) =>
      name?.kind === 'symbol' && name.symbol.inlined.some(({ functionName }) => functionName.includes('mix')),
  )!;
  assert.ok(frame.name?.kind === 'symbol');
  const path = `${import.meta.dirname}/../../../recordings/c/workc`;
  const opened = openRegularFile(path, 2 ** 30)!;
  const { elf } = identify(opened.source)!;
  const object = new ObjectFile({ elf, debug: undefined, alternate: undefined }, (bytes) =>
    Promise.resolve(inflateInMemory(bytes)),
  );
  const [answer] = await object.answer(Float64Array.of(Number(frame.address)), 'inlines');
  opened.close();
  assert.deepEqual(toSymbol(answer!, new Demangler(loadDemangler())), frame.name.symbol);
});

test('perf script text of the same run gives the same files and many of the same frames', () => {
  const perf = readRecording(`${import.meta.dirname}/../../../recordings/c/perf.script.txt`);
  assert.deepEqual([perf.samples.length, perf.samples[0]!.type.period / 100_000n], [927, 101n]);
  const key = ({ owner, address }: CollectedFrame): string => `${owner} ${address}`;
  const known = new Set(framesOf(recorded('c')).map(key));
  const shared = framesOf(perf).filter((frame) => known.has(key(frame)));
  assert.ok(shared.length / framesOf(perf).length > 0.95, `${shared.length} of ${framesOf(perf).length}`);
  const [shell, program] = perf.processes;
  assert.deepEqual([shell?.comm, program?.comm, shell?.endNano], ['sh', 'workc', program?.firstSeenNano]);
  const named = framesOf(perf).find(({ name }) => name?.kind === 'symbol' && name.symbol.functionName === 'app::words');
  assert.equal(named?.mapping?.executable.fileName, 'workc');
});

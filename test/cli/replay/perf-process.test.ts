import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PerfProcess } from '../../../src/cli/replay/perf-process.ts';

// A large program that was linked to 0x400000, in two pieces of code.
const pieces = [
  { start: 0x401000n, size: 0x900000n, fileOffset: 0x1000n },
  { start: 0x1201000n, size: 0x1000n, fileOffset: 0xa00000n },
];

function largeProcess(): PerfProcess {
  const process = new PerfProcess(7, 'tool', 1n);
  for (const piece of pieces) {
    const said = { kind: 'mapping', timeNano: 1n, pid: 7, comm: 'tool', buildId: '', path: '/usr/bin/tool' } as const;
    process.addMapping({ ...said, ...piece });
  }
  return process;
}

for (const { name, printed, fileOffset, piece } of [
  { name: 'a file offset', printed: 0x1234n, fileOffset: 0x1234n, piece: 0 },
  { name: 'what could be both as a file offset', printed: 0x401234n, fileOffset: 0x401234n, piece: 0 },
  { name: 'a memory address', printed: 0x1201234n, fileOffset: 0xa00234n, piece: 1 },
]) {
  test(`PerfProcess locates ${name}`, () => {
    const found = largeProcess().locate('/usr/bin/tool', printed);
    assert.deepEqual([found.fileOffset, found.mapping?.start], [fileOffset, pieces[piece]?.start]);
  });
}

test('PerfProcess takes an address of an unknown file for a file offset', () => {
  assert.deepEqual(largeProcess().locate('/usr/lib/other.so', 5n), { mapping: undefined, fileOffset: 5n });
});

test('PerfProcess is replaced when a program with the new name of its thread is mapped', () => {
  const process = new PerfProcess(7, 'sh', 1n);
  const said = { kind: 'mapping', timeNano: 2n, pid: 7, buildId: '', start: 0n, size: 1n, fileOffset: 0n } as const;
  assert.equal(process.isReplacedBy({ ...said, comm: 'a-very-long-nam', path: '/usr/bin/a-very-long-name' }), true);
  assert.equal(process.isReplacedBy({ ...said, comm: 'renamed', path: '/usr/lib/libc.so.6' }), false);
  assert.equal(process.isReplacedBy({ ...said, comm: 'sh', path: '/usr/bin/sh' }), false);
});

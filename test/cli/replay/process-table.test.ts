import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProcessTable } from '../../../src/cli/replay/process-table.ts';

function mapping(path: string, start: bigint, timeNano: bigint) {
  return { start, end: start + 0x1000n, fileOffset: 0n, path, buildId: '', timeNano };
}

test("a child of fork has its parent's mappings and name, until it calls exec", () => {
  const table = new ProcessTable();
  table.map(1, mapping('/bin/sh', 0x1000n, 1n), 'sh');
  table.fork(2, 1, 2n);
  assert.deepEqual([table.at(2, 2n)?.executablePath, table.at(2, 2n)?.comm], ['/bin/sh', 'sh']);
  table.exec(2, 'dd', 3n);
  table.map(2, mapping('/bin/dd', 0x5000n, 3n), 'dd');
  const [shell, dd] = [table.at(2, 2n), table.at(2, 3n)];
  assert.deepEqual([shell?.endNano, shell?.executablePath], [3n, '/bin/sh']);
  assert.deepEqual([dd?.endNano, dd?.executablePath, dd?.space.mappings.length], [undefined, '/bin/dd', 1]);
});

test('a new thread is no new process', () => {
  const table = new ProcessTable();
  table.map(1, mapping('/bin/sh', 0x1000n, 1n));
  table.fork(1, 1, 2n);
  assert.equal(table.processes.length, 1);
});

for (const { name, before, after, isExec } of [
  { name: 'a program of that name', before: ['/bin/sh', 'sh'], after: ['/bin/dd', 'dd'], isExec: true },
  {
    name: 'a program of a long name',
    before: ['/bin/sh', 'sh'],
    after: ['/bin/a-very-long-name', 'a-very-long-nam'],
    isExec: true,
  },
  {
    name: 'the program behind a link',
    before: ['/usr/bin/crun', 'crun'],
    after: ['/usr/bin/python3.12', 'python'],
    isExec: true,
  },
  { name: 'a library', before: ['/bin/app', 'app'], after: ['/lib/libc.so.6', 'worker'], isExec: false },
  { name: 'an addon', before: ['/bin/node', 'node'], after: ['/srv/x.node', 'my title'], isExec: false },
  { name: 'the same program again', before: ['/bin/app', 'app'], after: ['/bin/app', 'worker'], isExec: false },
  { name: 'a program under the old name', before: ['/bin/app', 'app'], after: ['/bin/app2', 'app'], isExec: false },
] as const) {
  test(`a new name of the main thread with ${name} is ${isExec ? 'an' : 'no'} exec`, () => {
    const table = new ProcessTable();
    table.map(1, mapping(before[0], 0x1000n, 1n), before[1]);
    table.map(1, mapping(after[0], 0x8000n, 2n), after[1]);
    assert.equal(table.processes.length, isExec ? 2 : 1);
    assert.equal(table.see(1, 3n).comm, after[1]);
  });
}

test('a process ID that is used again is another process', () => {
  const table = new ProcessTable();
  table.see(1, 1n);
  table.exit(1, 2n);
  const second = table.see(1, 3n);
  assert.deepEqual(
    [table.at(1, 1n) === second, table.at(1, 3n) === second, table.at(1, 1n)?.endNano],
    [false, true, 2n],
  );
});

test('a process has the name of its main thread, and that of any other until it is seen', () => {
  const table = new ProcessTable();
  const process = table.see(1, 1n);
  process.setThreadName('worker-1', false);
  assert.equal(process.comm, 'worker-1');
  process.setThreadName('app', true);
  assert.equal(process.comm, 'app');
});

// A large program that was linked to 0x400000, in two pieces of code.
const pieces = [
  { start: 0x401000n, end: 0xd01000n, fileOffset: 0x1000n },
  { start: 0x1201000n, end: 0x1202000n, fileOffset: 0xa00000n },
];

for (const { name, printed, fileOffset, piece } of [
  { name: 'a file offset', printed: 0x1234n, fileOffset: 0x1234n, piece: 0 },
  { name: 'what could be both as a file offset', printed: 0x401234n, fileOffset: 0x401234n, piece: 0 },
  { name: 'a memory address', printed: 0x1201234n, fileOffset: 0xa00234n, piece: 1 },
]) {
  test(`AddressSpace locates ${name}`, () => {
    const { space } = new ProcessTable().see(7, 1n);
    for (const one of pieces) space.add({ ...one, path: '/usr/bin/tool (deleted)', buildId: '', timeNano: 1n });
    const found = space.locate('/usr/bin/tool', printed);
    assert.deepEqual([found.fileOffset, found.mapping?.start], [fileOffset, pieces[piece]?.start]);
    assert.deepEqual(space.locate('/usr/lib/other.so', 5n), { mapping: undefined, fileOffset: 5n });
  });
}

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chownSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { nameGeneratedCode } from '../../../src/native/worker/generated-code.ts';
import type { MemoryRequest, SymbolizeReply } from '../../../src/native/worker/messages.ts';

interface FakeNode {
  readonly procRoot: string;
  /** Perf map of process 7, which is process 3 of its container. */
  readonly map: string;
  readonly ask: (addresses: number[], request?: Partial<MemoryRequest>) => SymbolizeReply;
}

const ownId = process.getuid!();
const startTicks = 4_200;
const bootSeconds = 1_700_000_000;

/** `/proc` with one process in a container: generated code at 0x1000 to 0x3000, a library at 0x5000. */
function createNode(t: TestContext, { userId = ownId, text = '' }: { userId?: number; text?: string } = {}): FakeNode {
  const procRoot = mkdtempSync(join(tmpdir(), 'framekeeper-proc-'));
  t.after(() => rmSync(procRoot, { recursive: true }));
  const folder = join(procRoot, '7');
  mkdirSync(join(folder, 'root/tmp'), { recursive: true });
  writeFileSync(join(procRoot, 'stat'), `cpu 1 2 3\nbtime ${bootSeconds}\n`);
  writeFileSync(join(folder, 'status'), `Name:\tx\nUid:\t9\t${userId}\t9\t9\nNSpid:\t7\t3\n`);
  writeFileSync(join(folder, 'stat'), `7 (a) b) S ${'0 '.repeat(18)}${startTicks} 0\n`);
  const anonymous = '1000-3000 rwxp 00000000 00:00 0 \n3000-4000 rw-p 00000000 00:00 0 \n';
  writeFileSync(join(folder, 'maps'), `${anonymous}5000-6000 r-xp 00000000 fe:01 12 /opt/lib.so\n`);
  const map = join(folder, 'root/tmp/perf-3.map');
  writeFileSync(map, text);
  const ask = (addresses: number[], request: Partial<MemoryRequest> = {}): SymbolizeReply => {
    const own = { id: 1, process: { pid: 7, startTimeNano: 0n }, knownVersion: '' };
    return nameGeneratedCode(procRoot, { ...own, addresses: Float64Array.from(addresses), ...request });
  };
  return { procRoot, map, ask };
}

function namesOf(reply: SymbolizeReply): unknown {
  return reply.kind === 'answered' ? reply.symbols.map((symbol) => symbol?.functionName) : reply;
}

const missing = (reason: string) => ({ kind: 'missing', id: 1, reason });

test('generated code has the names of the perf map by the process ID inside of its container', (t) => {
  const { ask } = createNode(t, { text: '1000 100 first\n1100 80 second\n' });
  const reply = ask([0x1010, 0x10ff, 0x1100, 0x1180]);
  assert.deepEqual(namesOf(reply), ['first', 'first', 'second', undefined]);
  const { ranges, sources } = reply as SymbolizeReply & { kind: 'answered' };
  assert.deepEqual([...ranges!], [0x1000, 0x1100, 0x1000, 0x1100, 0x1100, 0x1180, 0, 0]);
  assert.deepEqual(sources, { perf_map: 3 });
});

test('an address outside of generated code has no name, whatever the perf map says', (t) => {
  const { ask } = createNode(t, { text: '1000 5000 everything\n' });
  assert.deepEqual(namesOf(ask([0x2fff, 0x3000, 0x5010])), ['everything', undefined, undefined]);
});

test('a line that is being written has no name yet', (t) => {
  const { ask, map } = createNode(t, { text: '1000 10 fir' });
  assert.deepEqual(namesOf(ask([0x1001])), [undefined]);
  appendFileSync(map, 'st\n');
  assert.deepEqual(namesOf(ask([0x1001])), ['first']);
});

test('a perf map is read again when it has changed, and then the last line counts', (t) => {
  const { ask, map } = createNode(t, { text: '1000 100 first\n' });
  const { version } = ask([0x1010]) as SymbolizeReply & { kind: 'answered' };
  assert.deepEqual(ask([0x1010], { knownVersion: version! }), { kind: 'unchanged', id: 1 });
  appendFileSync(map, '1000 80 second\n');
  const reply = ask([0x1010, 0x1090], { knownVersion: version! });
  assert.deepEqual(namesOf(reply), ['second', 'first']);
  assert.deepEqual([...(reply as SymbolizeReply & { kind: 'answered' }).ranges!], [0x1000, 0x1080, 0x1080, 0x1100]);
});

test('a perf map of another user is not read', (t) => {
  const { ask, map } = createNode(t, { userId: 12_345, text: '1000 100 first\n' });
  if (ownId === 0) chownSync(map, 4_321, 4_321);
  assert.deepEqual(ask([0x1010]), missing('no_permission'));
});

test('a perf map of root is read', { skip: ownId !== 0 && 'only root can make one' }, (t) => {
  const { ask } = createNode(t, { userId: 12_345, text: '1000 100 first\n' });
  assert.deepEqual(namesOf(ask([0x1010])), ['first']);
});

test('a link out of the root, a folder and a FIFO are no perf map', (t) => {
  const { ask, map, procRoot } = createNode(t);
  const outside = join(procRoot, 'outside');
  writeFileSync(outside, '1000 100 outside\n');
  for (const make of [
    () => symlinkSync(outside, map),
    () => symlinkSync('../../../outside', map),
    () => mkdirSync(map),
    () => execFileSync('mkfifo', [map]),
  ]) {
    rmSync(map, { recursive: true });
    make();
    assert.deepEqual(ask([0x1010]), missing('no_file'));
  }
  rmSync(map);
  assert.deepEqual(ask([0x1010]), missing('no_file'));
  linkSync(outside, map);
  assert.deepEqual(namesOf(ask([0x1010])), ['outside']);
});

test('another process with the same ID has no names for the one that a collector saw', (t) => {
  const { ask } = createNode(t, { text: '1000 100 first\n' });
  const startNano = BigInt(bootSeconds) * 10n ** 9n + BigInt(startTicks) * 10n ** 7n;
  const at = (startTimeNano: bigint) => ask([0x1010], { process: { pid: 7, startTimeNano } });
  assert.deepEqual(namesOf(at(startNano + 2n * 10n ** 9n)), ['first']);
  assert.deepEqual(at(startNano - 60n * 10n ** 9n), missing('no_process'));
  // Numbers that are no Unix nanoseconds tell nothing.
  assert.deepEqual(namesOf(at(5n)), ['first']);
  assert.deepEqual(ask([0x1010], { process: { pid: 8, startTimeNano: 0n } }), missing('no_process'));
});

test('names are taken apart as their runtime writes them', (t) => {
  const { ask } = createNode(t, { text: '1000 100 JS:*work /srv/app.js:12:3\n' });
  const [symbol] = (ask([0x1010]) as SymbolizeReply & { kind: 'answered' }).symbols;
  assert.deepEqual(
    [symbol!.functionName, symbol!.systemName, symbol!.filePath, symbol!.startLine, symbol!.line],
    ['work', 'JS:*work /srv/app.js:12:3', '/srv/app.js', 12, 0],
  );
});

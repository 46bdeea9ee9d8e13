import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { parseFileId } from '../../src/model/file-id.ts';
import type { FrameSymbol } from '../../src/model/frame-symbol.ts';
import { createSymbolizer } from '../../src/native/create-symbolizer.ts';
import { MemorySource } from '../../src/native/elf/byte-source.ts';
import { identify } from '../../src/native/files/file-identity.ts';
import type { SymbolizerConfig } from '../../src/native/symbolizer-config.ts';
import { systemClock } from '../../src/support/clock.ts';
import { recordLogs } from '../support/log-recorder.ts';
import { recordMetrics } from '../support/metric-recorder.ts';
import { answers, fixtureBytes, fixturePath } from './open-fixture.ts';

const { gnuBuildId } = identityOf('split.elf');

function identityOf(fixture: string) {
  return identify(new MemorySource(fixtureBytes(fixture)))!.identity;
}

/** A debuginfod server that has one file, or nothing. */
async function startServer(t: TestContext, fixture: string | undefined) {
  const requests: string[] = [];
  const server = createServer(({ url = '' }, response) => {
    requests.push(url);
    if (fixture !== undefined) response.end(fixtureBytes(fixture));
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

/** A symbolizer of a node where process 7 has a file mapped, if `isMapped`, and no debug file is on disk. */
function create(t: TestContext, url: string, { isMapped = true, fixture = 'split.elf' } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'framekeeper-symbolizer-'));
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'container/lib'), { recursive: true });
  mkdirSync(join(folder, 'proc/7'), { recursive: true });
  symlinkSync(join(folder, 'container'), join(folder, 'proc/7/root'));
  const line = '7f0000001000-7f0000002000 r-xp 00001000 fe:01 1234 /lib/lib.so\n';
  writeFileSync(join(folder, 'proc/7/maps'), isMapped ? line : '');
  copyFileSync(fixturePath(fixture), join(folder, 'container/lib/lib.so'));
  const config: SymbolizerConfig = {
    ...{ native: true, debugInfo: 'inlines', demangle: true, procRoot: join(folder, 'proc'), debugDirectories: [] },
    ...{
      directory: folder,
      maxMemoryMib: 96,
      maxTableBytes: 2 ** 25,
      maxFileBytes: 2 ** 30,
      maxInflatedBytes: 2 ** 30,
    },
    ...{ timeoutMs: 60_000, holdMs: 0, maxPending: 65_536 },
    debuginfod: { urls: [url], cacheDirectory: join(folder, 'cache'), timeoutMs: 60_000, maxBytes: 2 ** 30 },
  };
  const { meter, values } = recordMetrics();
  let onLearned = (_symbol: FrameSymbol): void => {};
  const learned = new Promise<FrameSymbol>((resolve) => {
    onLearned = resolve;
  });
  const symbolizer = createSymbolizer('symbolizer', config, {
    sink: { learnSymbol: (_fileId, _high, _low, symbol) => onLearned(symbol), learnCode: () => undefined },
    ...{ meter, clock: systemClock, logger: recordLogs().logger },
  });
  t.after(() => symbolizer.stop());
  const { htlhash, gnuBuildId: buildId } = identityOf(fixture);
  const executable = { fileName: 'lib.so', gnuBuildId: buildId, goBuildId: '', hasHtlHash: true };
  const need = (address: number): void =>
    symbolizer.need({ kind: 'file', fileId: parseFileId(htlhash)! }, 0, address, { pid: 7, executable });
  return { symbolizer, learned, need, values };
}

const { address, frames } = answers['shared.elf']!.find(({ frames: found }) => found.length > 1)!;
/** Innermost first, as llvm-symbolizer has them: the linker's name of the outermost one. */
function namesOf({ inlined, functionName, systemName, line }: FrameSymbol): (readonly [string, number])[] {
  return [...inlined.map((inner) => [inner.functionName, inner.line] as const), [systemName || functionName, line]];
}

for (const isMapped of [true, false]) {
  const place = isMapped ? 'was stripped' : 'is not on this node any more';
  test(`a file that ${place} has the names and inlined functions of the debug file that a server has`, async (t) => {
    const { url, requests } = await startServer(t, 'shared.debug');
    const { learned, need, values } = create(t, url, { isMapped });
    need(address);
    const expected = frames.map(([name, , line]) => [name, line]);
    assert.deepEqual(namesOf(await learned), expected);
    assert.deepEqual(requests, [`/buildid/${gnuBuildId}/debuginfo`]);
    assert.equal((await values()).get('framekeeper_symbolizer_debuginfod_searches{outcome="fetched"}'), 1);
  });
}

test('a file whose debug file no server has is named from its own tables', async (t) => {
  const exported = answers['shared.elf']!.find(({ frames: found }) => found.at(-1)![0] === 'work')!;
  const { url, requests } = await startServer(t, undefined);
  const { learned, need } = create(t, url);
  need(exported.address);
  const { functionName, line } = await learned;
  assert.deepEqual([functionName, line, requests.length], ['work', 0, 1]);
});

test('the common parts that dwz moved out of a file come from a server as well', async (t) => {
  const known = answers['dwz.elf']!.find(({ frames: found }) => found.length > 1)!;
  const { url, requests } = await startServer(t, 'dwz-common.debug');
  const { learned, need } = create(t, url, { fixture: 'dwz.elf' });
  need(known.address);
  assert.deepEqual(
    namesOf(await learned),
    known.frames.map(([name, , line]) => [name, line]),
  );
  assert.deepEqual(requests, [`/buildid/${identityOf('dwz-common.debug').gnuBuildId}/debuginfo`]);
});

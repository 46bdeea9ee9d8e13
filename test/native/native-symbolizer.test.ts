import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FileId } from '../../src/model/file-id.ts';
import type { FrameSymbol } from '../../src/model/frame-symbol.ts';
import type { MemoryOwner } from '../../src/native/code-needs.ts';
import type { SymbolizerParts } from '../../src/native/native-symbolizer.ts';
import { NativeSymbolizer } from '../../src/native/native-symbolizer.ts';
import { createSymbolizerMetrics } from '../../src/native/symbolizer-metrics.ts';
import type { FileRequest, SymbolizeRequest } from '../../src/native/worker/messages.ts';
import type { SymbolizerReply } from '../../src/native/worker/symbolizer-worker.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { recordLogs } from '../support/log-recorder.ts';
import { recordMetrics } from '../support/metric-recorder.ts';

const stats = { readBytes: 10, tableBytes: 0, inflatedBytes: 0 };
const build = { fileName: 'lib.so', gnuBuildId: 'ab', goBuildId: '', hasHtlHash: false };

function fileOf(number: number): FileId {
  return { word0: number, word1: 0, word2: 0, word3: 0 };
}

function ownerOf(number: number): MemoryOwner {
  return { kind: 'file', fileId: fileOf(number) };
}

function symbolOf(address: number): FrameSymbol {
  return {
    ...{ functionName: `f${address}`, systemName: '', filePath: '' },
    ...{ line: 0, column: 0, startLine: 0, inlined: [] },
  };
}

/** Names every address but multiples of ten. */
function nameAll({ id, addresses }: SymbolizeRequest): SymbolizerReply {
  const symbols = Array.from(addresses, (address) => (address % 10 === 0 ? undefined : symbolOf(address)));
  return { kind: 'answered', id, symbols, sources: { symtab: symbols.length }, stats, lackingDebugFile: '' };
}

function create(
  answer: (request: SymbolizeRequest) => SymbolizerReply | Promise<SymbolizerReply>,
  maxPending = 100_000,
  debuginfod?: SymbolizerParts['debuginfod'],
) {
  const clock = new FakeClock();
  const requests: FileRequest[] = [];
  const learned: string[] = [];
  const { meter, values } = recordMetrics();
  const logs = recordLogs();
  const symbolizer: NativeSymbolizer = new NativeSymbolizer('symbolizer', {
    worker: {
      ask: async (request) => {
        requests.push(request as FileRequest);
        return await answer(request);
      },
      stop: () => Promise.resolve(),
    },
    sink: {
      learnSymbol: (fileId, _high, low, symbol) => void learned.push(`${fileId.word0} ${low} ${symbol.functionName}`),
      learnCode: (owner, { start, length, symbol }, isNew) => {
        assert.ok(owner.kind === 'process');
        learned.push(`${owner.process.pid} ${start} ${length} ${symbol.functionName} ${isNew}`);
      },
    },
    metrics: createSymbolizerMetrics(meter, () => symbolizer.pending),
    ...{ clock, maxPending, debuginfod, logger: logs.logger },
  });
  const need = (file: number, address: number, pid = 7, executable: typeof build | undefined = build): void =>
    symbolizer.need(ownerOf(file), 0, address, { pid, executable });
  return { clock, requests, learned, values, logs, symbolizer, need };
}

test('what is needed at once is asked in one request a file', async () => {
  const { clock, requests, learned, need } = create(nameAll);
  need(1, 5);
  need(2, 7);
  need(2, 3);
  need(2, 7);
  await clock.advance(1);
  assert.deepEqual(
    requests.map(({ file, addresses, pids }) => [file.fileId.slice(0, 8), [...addresses], pids, file.gnuBuildId]),
    [
      ['00000001', [5], [7], 'ab'],
      ['00000002', [3, 7], [7], 'ab'],
    ],
  );
  assert.deepEqual(learned, ['1 5 f5', '2 3 f3', '2 7 f7']);
});

test('a file with thousands of addresses lets others have their turn', async () => {
  const { clock, requests, need } = create(nameAll);
  for (let address = 1; address <= 2500; address++) need(1, address);
  need(2, 7);
  await clock.advance(1);
  assert.deepEqual(
    requests.map(({ addresses }) => addresses.length),
    [1000, 1, 1000, 500],
  );
});

test('an address without a name is asked for once, and its reason is known', async () => {
  const { clock, requests, symbolizer, need } = create(nameAll);
  need(1, 20);
  assert.ok(symbolizer.isUnderWay(ownerOf(1), 0, 20));
  assert.equal(symbolizer.reasonOf(ownerOf(1), 0, 20), 'under_way');
  await clock.advance(1);
  need(1, 20);
  await clock.advance(1);
  assert.equal(requests.length, 1);
  assert.ok(!symbolizer.isUnderWay(ownerOf(1), 0, 20));
  assert.equal(symbolizer.reasonOf(ownerOf(1), 0, 20), 'no_symbol');
  assert.equal(symbolizer.reasonOf(ownerOf(2), 0, 20), undefined);
});

test('a request has at most a thousand addresses', async () => {
  const { clock, requests, need } = create(nameAll);
  for (let address = 1; address <= 2500; address++) need(1, address);
  await clock.advance(1);
  assert.deepEqual(
    requests.map(({ addresses }) => addresses.length),
    [1000, 1000, 500],
  );
});

test('a file that was not found is looked for again after a while, or at once in a new process', async () => {
  const { clock, requests, symbolizer, need, values } = create(({ id }) => ({
    kind: 'missing',
    id,
    reason: 'no_file',
  }));
  need(1, 5);
  await clock.advance(1);
  need(1, 5);
  await clock.advance(4_000);
  assert.equal(requests.length, 1);
  assert.equal(symbolizer.reasonOf(ownerOf(1), 0, 5), 'no_file');
  need(1, 5, 8);
  await clock.advance(1);
  assert.deepEqual(
    requests.map(({ pids }) => pids),
    [[7], [8, 7]],
  );
  await clock.advance(10_000);
  need(1, 5, 8);
  await clock.advance(1);
  assert.equal(requests.length, 3);
  assert.equal((await values()).get('framekeeper_symbolizer_file_misses{reason="no_file"}'), 3);
});

test('files that stay missing are looked for together, every five minutes', async () => {
  const { clock, requests, need } = create(({ id }) => ({ kind: 'missing', id, reason: 'no_file' }));
  // Each begins at a time of its own, and all are needed each second for an hour.
  const askedMs = new Map<number, number[]>();
  for (let second = 0; second < 3600; second++) {
    for (let file = 1; file <= 4; file++) if (second >= 37 * file) need(file, 5);
    requests.length = 0;
    await clock.advance(1_000);
    for (const { file } of requests) {
      const number = Number.parseInt(file.fileId.slice(0, 8), 16);
      askedMs.set(number, [...(askedMs.get(number) ?? []), second]);
    }
  }
  const late = [...askedMs.values()].map((seconds) => seconds.filter((second) => second > 1200));
  assert.equal(late.length, 4);
  for (const seconds of late) assert.deepEqual(seconds, late[0]);
  assert.equal(late[0]!.length, 7);
});

test('a file that ends its worker is never asked for again, and that is said', async () => {
  const { clock, requests, symbolizer, need, logs, values } = create(() => {
    return { kind: 'ended', reason: 'timeout', problem: 'no reply' };
  });
  need(1, 5);
  await clock.advance(1);
  need(1, 6, 9);
  await clock.advance(1_000_000);
  need(1, 7);
  await clock.advance(1);
  assert.equal(requests.length, 1);
  assert.equal(symbolizer.reasonOf(ownerOf(1), 0, 5), 'refused');
  assert.match(JSON.stringify(logs.lines), /not read for names any more/);
  assert.equal((await values()).get('framekeeper_symbolizer_worker_restarts{reason="timeout"}'), 1);
});

test('without the right to open files it warns once, with the remedy', async () => {
  const { clock, need, logs } = create(({ id }) => ({ kind: 'missing', id, reason: 'no_permission' }));
  need(1, 5);
  need(2, 5);
  await clock.advance(1);
  assert.equal(JSON.stringify(logs.lines).split('hostPID').length, 2);
});

test('addresses beyond the bound are left out and counted', async () => {
  const { clock, requests, need, values } = create(nameAll, 10);
  for (let address = 1; address <= 25; address++) need(1, address);
  await clock.advance(1);
  assert.equal(requests[0]!.addresses.length, 10);
  assert.equal((await values()).get('framekeeper_symbolizer_addresses{outcome="bounded_out"}'), 15);
});

test('addresses that no file has, of the upper half of memory, are not asked for', async () => {
  const { clock, requests, symbolizer } = create(nameAll);
  symbolizer.need(ownerOf(1), 0x8000_0000, 0, { pid: 1, executable: undefined });
  symbolizer.need(ownerOf(1), 2 ** 21, 0, { pid: 1, executable: undefined });
  await clock.advance(1);
  assert.equal(requests.length, 0);
});

test('addresses of a kernel are asked for as such, and learned where they are', async () => {
  const { clock, requests, learned, symbolizer } = create(nameAll);
  symbolizer.need(ownerOf(1), 0xffff_ffff, 0x8100_0003, { pid: 1, executable: build, start: 0xffff_ffff_8100_0000n });
  // The same file ID may have addresses of its file as well.
  symbolizer.need(ownerOf(1), 0, 3, { pid: 1, executable: build });
  await clock.advance(1);
  const [kernel, file] = requests as readonly SymbolizeRequest[];
  assert.deepEqual(kernel, {
    id: 1,
    kernel: { fileId: '00000001'.padEnd(32, '0'), gnuBuildId: 'ab', fileName: 'lib.so' },
    textStart: -0x7f00_0000,
    addresses: Float64Array.of(-0x7eff_fffd),
  });
  assert.ok('file' in file!);
  assert.deepEqual(learned, [`1 ${0x8100_0003} f-2130706429`, '1 3 f3']);
});

const inMemory: MemoryOwner = {
  ...{ kind: 'process', instanceId: 'collector', process: { pid: 7, startTimeNano: 9n } },
};

/** Every address but multiples of ten lies in code of its own hundred bytes, which has the version in its name. */
function nameCode(version: () => string): (request: SymbolizeRequest) => SymbolizerReply {
  return (request) => {
    const { id, addresses } = request;
    if ('process' in request && request.knownVersion === version()) return { kind: 'unchanged', id };
    const symbols = Array.from(addresses, (address) =>
      address % 10 === 0 ? undefined : { ...symbolOf(address), functionName: version() },
    );
    const ranges = Float64Array.from([...addresses].flatMap((at) => [at - (at % 100), at - (at % 100) + 100]));
    return { kind: 'answered', id, symbols, ranges, version: version(), sources: {}, stats, lackingDebugFile: '' };
  };
}

test('generated code is named by ranges, and named anew after it has changed', async () => {
  let version = 'first';
  const { clock, requests, learned, symbolizer } = create(nameCode(() => version));
  const need = (address: number): void => symbolizer.need(inMemory, 0, address, { pid: 7, executable: undefined });
  need(101);
  need(110);
  assert.ok(symbolizer.isUnderWay(inMemory, 0, 101));
  await clock.advance(1);
  assert.deepEqual(learned.splice(0), ['7 100 100 first true']);
  assert.equal(symbolizer.reasonOf(inMemory, 0, 110), 'no_symbol');

  // At once it would cost a look at the file for each batch.
  symbolizer.use(inMemory);
  await clock.advance(4_000);
  assert.equal(requests.length, 1);
  await clock.advance(1_000);
  symbolizer.use(inMemory);
  await clock.advance(1);
  assert.equal(requests.length, 2);
  assert.deepEqual(learned, []);

  version = 'second';
  await clock.advance(5_000);
  symbolizer.use(inMemory);
  await clock.advance(1);
  assert.deepEqual(learned.splice(0), ['7 100 100 second false']);
  // What had no name may have one now.
  need(110);
  await clock.advance(1);
  assert.deepEqual([...requests.at(-1)!.addresses], [110]);
});

test('generated code of a process without a perf map is asked for again after a while', async () => {
  const { clock, requests, symbolizer } = create(({ id }) => ({ kind: 'missing', id, reason: 'no_file' }));
  const need = (): void => symbolizer.need(inMemory, 0, 101, { pid: 7, executable: undefined });
  need();
  await clock.advance(1);
  need();
  symbolizer.use(inMemory);
  await clock.advance(4_000);
  assert.equal(requests.length, 1);
  assert.equal(symbolizer.reasonOf(inMemory, 0, 101), 'no_file');
  await clock.advance(1_000);
  need();
  await clock.advance(1);
  assert.equal(requests.length, 2);
});

test('nothing is asked for any more once it stops, also in the midst of an answer', async () => {
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const { clock, requests, learned, symbolizer, need } = create(async (request) => {
    await held;
    return nameAll(request);
  });
  need(1, 5);
  need(2, 5);
  await clock.advance(1);
  const stopped = symbolizer.stop();
  release();
  await stopped;
  need(3, 5);
  await clock.advance(1);
  assert.deepEqual([requests.length, learned], [1, []]);
});

/** A server that has, or has not, the debug file of build ID `ab` once `end` is called. */
function createDownload() {
  const fetched: string[] = [];
  let end = (): void => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const debuginfod = {
    isWorthAsking: () => fetched.length === 0,
    fetch: (buildId: string) => {
      fetched.push(buildId);
      return ended;
    },
    stop: () => Promise.resolve(end()),
  };
  return { debuginfod, fetched, end: () => end() };
}

/** Names all once the debug file of file 1 was fetched, and says before that it lacks. */
const nameAllBut1 = (request: SymbolizeRequest): SymbolizerReply =>
  (request as FileRequest).file.fileId.startsWith('00000001')
    ? { kind: 'answered', id: request.id, symbols: [], sources: {}, stats, lackingDebugFile: 'ab' }
    : nameAll(request);

test('addresses of a file wait for its debug file, and those of other files do not', async () => {
  const { debuginfod, fetched, end } = createDownload();
  let answer = nameAllBut1;
  const { clock, learned, symbolizer, need } = create((request) => answer(request), 100_000, debuginfod);
  need(1, 5);
  await clock.advance(1);
  need(1, 6);
  need(2, 7);
  await clock.advance(1);
  assert.deepEqual([fetched, learned, symbolizer.pending], [['ab'], ['2 7 f7'], 2]);
  assert.ok(symbolizer.isUnderWay(ownerOf(1), 0, 5));
  answer = nameAll;
  end();
  await clock.advance(1);
  assert.deepEqual([learned, symbolizer.pending], [['2 7 f7', '1 5 f5', '1 6 f6'], 0]);
});

test('no addresses wait for a debug file beyond their bound', async () => {
  const { debuginfod, fetched } = createDownload();
  const { clock, symbolizer, need } = create(nameAllBut1, 999, debuginfod);
  need(1, 5);
  await clock.advance(1);
  assert.deepEqual([fetched, symbolizer.pending], [[], 0]);
});

import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import fc from 'fast-check';
import type { FileId } from '../../../src/model/file-id.ts';
import { atOnce } from '../../../src/support/steps.ts';
import { fileIdOf, processOf, symbolOf } from '../../support/batch.ts';
import { instanceA, instanceB, StoreHarness, stubOf, submitted } from '../store-harness.ts';
import { LineSink, loadHarness, save, tell, temporaryFolder } from './snapshot-harness.ts';

const numRuns = Number(process.env.PROPERTY_RUNS ?? 100);

interface ProcessStep {
  readonly op: 'stub' | 'findStub' | 'exit';
  readonly pid: number;
  readonly isOther: boolean;
  readonly address: number;
  readonly length: number;
}

type Step =
  | ProcessStep
  | { readonly op: 'learn' | 'find'; readonly file: number; readonly address: number; readonly name: number }
  | { readonly op: 'executable'; readonly file: number; readonly name: number }
  | { readonly op: 'fileStub'; readonly file: number; readonly address: number; readonly length: number }
  | { readonly op: 'wait'; readonly ms: number };

const small = fc.nat(7);
// Stubs stay below their bound: beyond, the one that pays is found by a sample of owners, whose order no snapshot keeps.
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      op: fc.constantFrom('learn' as const, 'find' as const),
      file: small,
      address: fc.nat(20),
      name: fc.nat(999),
    }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('executable' as const), file: small, name: small }) },
  {
    weight: 5,
    arbitrary: fc.record({
      op: fc.constantFrom('stub' as const, 'stub' as const, 'findStub' as const, 'exit' as const),
      pid: fc.nat(1),
      isOther: fc.boolean(),
      address: fc.constantFrom(0, 3),
      length: fc.integer({ min: 1, max: 9 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant('fileStub' as const),
      file: fc.nat(1),
      address: fc.constant(0),
      length: small,
    }),
  },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('wait' as const), ms: fc.constantFrom(100, 3000, 9900) }) },
);

/** After two, every stub was written just now, as after a start. */
function endCycles({ store, nowMs }: StoreHarness): void {
  atOnce(store.at(nowMs).resubmitStubs());
  atOnce(store.at(nowMs).resubmitStubs());
  store.at(nowMs).purge();
}

const topAddress = 2n ** 64n - 100n;

/** Does the same to any store, and tells what it answered. */
function apply(harness: StoreHarness, action: Step): unknown {
  if (action.op === 'wait') {
    harness.nowMs += action.ms;
    return harness.store.at(harness.nowMs).purge();
  }
  if (action.op === 'find') return harness.find(fileIdOf(action.file), topAddress + BigInt(action.address));
  if (action.op === 'learn') {
    const inlined = action.name % 3 === 0 ? [symbolOf(`inner ${action.name % 5}`, { filePath: '/src/Zoë.c' })] : [];
    const fields = { filePath: `/src/${action.name % 4}.c`, systemName: '_Zß€😀', line: action.name, inlined };
    return harness.learnName(fileIdOf(action.file), topAddress + BigInt(action.address), `f${action.name}`, fields);
  }
  if (action.op === 'executable') {
    const hasHtlHash = action.name % 2 === 0;
    const executable = { fileName: `/bin/${action.name}`, gnuBuildId: 'ab', goBuildId: '', hasHtlHash };
    return harness.learn({ executables: [{ fileId: fileIdOf(action.file), executable }] });
  }
  if (action.op === 'fileStub') {
    const owner = { fileId: fileIdOf(action.file) };
    const length = BigInt(action.length) + 1n;
    return harness.learn({ stubs: [stubOf(owner, BigInt(action.address) + 1000n, length, 'file stub')] });
  }
  return applyToProcess(harness, action as ProcessStep);
}

function applyToProcess(harness: StoreHarness, action: ProcessStep): unknown {
  const process = processOf(action.pid);
  const instance = action.isOther ? instanceB : instanceA;
  if (action.op === 'findStub') return harness.nameIn(process, BigInt(action.address), instance);
  if (action.op === 'exit') return harness.learn({ processExits: [process] }, instance);
  const name = `stub ${action.pid} ${action.address}`;
  return harness.learn({ stubs: [stubOf({ process }, BigInt(action.address), BigInt(action.length), name)] }, instance);
}

test('a store that was read from its snapshot goes on as if nothing had happened', async (context: TestContext) => {
  const path = join(temporaryFolder(context), 'symbols');
  const property = fc.asyncProperty(
    fc.integer({ min: 40, max: 80 }),
    fc.array(step, { maxLength: 150, size: 'max' }),
    fc.array(step, { maxLength: 100, size: 'max' }),
    fc.constantFrom(0, 100, 5000),
    async (maxEntries, before, after, passedMs) => {
      const yaml = { lifetime: '10s', max_entries: maxEntries, stubs: { max_total: 20 } };
      const harness = new StoreHarness(yaml);
      for (const action of before) apply(harness, action);
      endCycles(harness);
      await save(harness.store, path, { nowMs: harness.nowMs });
      harness.nowMs += passedMs;
      const { harness: restored } = await loadHarness(path, yaml, { nowMs: 7000, passedMs });
      endCycles(harness);
      endCycles(restored);
      assert.deepEqual(tell(restored.store, restored.nowMs), tell(harness.store, harness.nowMs));
      for (const action of after) assert.deepEqual(apply(restored, action), apply(harness, action));
      assert.deepEqual(tell(restored.store, restored.nowMs), tell(harness.store, harness.nowMs));
    },
  );
  await fc.assert(property, { numRuns });
});

/** So many files, and one of so many symbols, that a step of the walk gets through neither. */
function fileOf(i: number): FileId {
  return fileIdOf(i % 2 === 0 ? 100 : 101 + i);
}

test('a snapshot that is taken while the store is used has every name that was there from beginning to end', async (context) => {
  const path = join(temporaryFolder(context), 'symbols');
  const property = fc.asyncProperty(fc.array(step, { maxLength: 300, size: 'max' }), async (during) => {
    const harness = new StoreHarness();
    const names: string[] = [];
    const symbols = Array.from({ length: 4000 }, (_, i) => {
      names.push(`name ${i}`);
      return submitted(fileOf(i), BigInt(i), symbolOf(`name ${i}`));
    });
    harness.learn({ symbols });
    let pauses = 0;
    const pause = (): void => {
      pauses++;
      for (const action of during.slice(pauses * 20 - 20, pauses * 20)) apply(harness, action);
      // The files that a step of 1,024 has just passed are used, as by a stack that comes again; each takes three visits.
      const place = Math.floor((1024 * pauses) / 3) * 2;
      for (let i = Math.max(0, place - 40); i < Math.min(place + 40, symbols.length); i++) {
        harness.find(fileOf(i), BigInt(i));
      }
    };
    await save(harness.store, path, { nowMs: harness.nowMs, pause });
    const { harness: restored } = await loadHarness(path);
    assert.deepEqual(
      names.map((_, i) => restored.name(fileOf(i), BigInt(i))),
      names,
    );
  });
  await fc.assert(property, { numRuns: Math.ceil(numRuns / 10) });
});

test('a walk that pauses among the symbols of a file misses none of them', () => {
  const harness = new StoreHarness();
  const count = 3000;
  harness.learn({
    symbols: Array.from({ length: count }, (_, i) => submitted(fileIdOf(1), BigInt(i), symbolOf(`${i}`))),
  });
  const sink = new LineSink();
  const walk = harness.store.walk(0);
  const addresses = (): number[] => sink.lines.slice(1).map((line) => Number(line.split(' ')[2]));
  for (let pauses = 1; walk.step(100, sink); pauses++) {
    if (pauses > 10) continue;
    for (const address of addresses().slice(-30)) harness.find(fileIdOf(1), BigInt(address));
  }
  assert.equal(new Set(addresses()).size, count);
});

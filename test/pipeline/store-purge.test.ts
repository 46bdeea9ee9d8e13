import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseFileId } from '../../src/model/file-id.ts';
import { StorePurge } from '../../src/pipeline/store-purge.ts';
import { SymbolStore } from '../../src/symbols/symbol-store.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { configOf } from '../symbols/store-harness.ts';

const hash = parseFileId('00112233445566778899aabbccddeeff')!;
const symbol = { functionName: 'pay', systemName: '', filePath: '', line: 0, column: 0, startLine: 0, inlined: [] };

test('StorePurge gives the memory of expired names back until it is stopped', async () => {
  const clock = new FakeClock();
  const store = new SymbolStore(configOf({ lifetime: '60s' }), () => 0.5);
  const purge = new StorePurge('symbol_store', store, clock);
  const symbolsAfter = async (ms: number): Promise<number> => {
    await clock.advance(ms);
    return store.stats().symbols;
  };
  store.at(clock.nowMs()).learnSymbol(hash, 0, 0x1234, symbol);
  await purge.start();
  assert.equal(await symbolsAfter(55_000), 1, 'within its lifetime');
  assert.equal(await symbolsAfter(10_000), 0, 'past its lifetime');
  await purge.stop();
  store.at(clock.nowMs()).learnSymbol(hash, 0, 0x1234, symbol);
  assert.equal(await symbolsAfter(70_000), 1, 'stopped');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { framesOf, runRecordings } from './support/recorded-run.ts';

test('a store that evicts all the time gets every name again from a collector that sends each once', async () => {
  // 1,079 kernel frames and 94 Python frames are in use; the store has room for fifty.
  const symbolStore = '{max_entries: 50, stubs: {max_total: 20}, names_needed: {interval: 50ms}}';
  const { messages, summary } = await runRecordings(['--speed', '3', 'kern', 'python'], {
    symbolStore,
    interval: '1s',
  });
  const [, sentAgain] = /(\d[\d,]*) sent again/.exec(summary)!;
  assert.ok(Number(sentAgain!.replaceAll(',', '')) > 300, summary);
  const unnamed = messages.map(
    (message) => framesOf([message]).filter(({ type, isNamed }) => type !== 'native' && !isNamed).length,
  );
  // Every sample waits for one cycle at most, and its names have come by then.
  assert.deepEqual(
    unnamed.filter((count) => count > 0),
    [],
  );
});

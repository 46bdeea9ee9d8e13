import assert from 'node:assert/strict';
import { test } from 'node:test';
import { framesOf, runRecordings } from './support/recorded-run.ts';

test('a store that evicts all the time gets every name and executable again from a collector that sends each once', async () => {
  // 1,079 kernel frames, 94 Python frames and some thirty executables are in use; the store has room for fifty entries.
  const symbolStore = '{max_entries: 50, stubs: {max_total: 20}, names_needed: {interval: 50ms}}';
  const { messages, summary } = await runRecordings(['--speed', '1.5', 'kern', 'python'], {
    symbolStore,
    // Names are due within one cycle: on a busy machine collector and service need more than a second for that.
    interval: '2s',
  });
  const [, sentAgain] = /(\d[\d,]*) sent again/.exec(summary)!;
  assert.ok(Number(sentAgain!.replaceAll(',', '')) > 100, summary);
  const unnamed = messages.map(
    (message) => framesOf([message]).filter(({ type, isNamed }) => type !== 'native' && !isNamed).length,
  );
  // Every sample waits for one cycle at most, and its names have come by then.
  assert.deepEqual(
    unnamed.filter((count) => count > 0),
    [],
  );
  assert.match(summary, /^\d+ executables sent again because the service asked$/m);
  // No sample waits for its files, but all of a cycle have what came for one.
  const inNoFile = framesOf(messages).filter(({ type, moduleName }) => type === 'native' && moduleName === '');
  assert.ok(inNoFile.length < 20, `${inNoFile.length} native frames tell no file`);
});

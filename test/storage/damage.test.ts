import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { appendText, LogFolder, readTexts } from './log-folder.ts';

const texts = ['one', 'two'.repeat(50), 'three', 'four'.repeat(3_000), 'five'];

/** Ways in which a file comes back other than it was written; each gives what is left of it. */
const damages = fc.oneof(
  fc.record({ kind: fc.constant('cut' as const), at: fc.double({ min: 0, max: 1, noNaN: true }) }),
  fc.record({ kind: fc.constant('zeroed' as const), at: fc.double({ min: 0, max: 1, noNaN: true }) }),
  fc.record({
    kind: fc.constant('spoilt' as const),
    at: fc.double({ min: 0, max: 0.999_999, noNaN: true }),
    mask: fc.integer({ min: 1, max: 255 }),
  }),
);

test('whatever is cut off, zeroed or spoilt of a log, each record is there as it was, or its loss is told', async (t) => {
  await fc.assert(
    fc.asyncProperty(damages, async (damage) => {
      const folder = new LogFolder(t);
      const log = folder.createLog();
      log.open();
      for (const text of texts) appendText(log, text);
      log.close();
      const [path] = folder.files();
      const bytes = readFileSync(path!);
      const at = Math.floor(damage.at * bytes.length);
      if (damage.kind === 'spoilt') bytes[at]! ^= damage.mask;
      if (damage.kind === 'zeroed') bytes.fill(0, at);
      writeFileSync(path!, damage.kind === 'cut' ? bytes.subarray(0, at) : bytes);
      const again = folder.createLog();
      const opened = again.open();
      const read = await readTexts(again, opened.records);
      again.close();
      const { damagedCount, cutCount } = opened.damage;
      const whole = read.filter((text) => text !== undefined);
      assert.deepEqual(
        whole,
        texts.filter((text) => whole.includes(text)),
        'what is there is as it was, in its order',
      );
      const isTold = damagedCount + cutCount > 0 || read.includes(undefined);
      const isWhole = whole.length === texts.length;
      const isCutBetween = damage.kind === 'cut' && isBoundary(at);
      assert.ok(isWhole || isTold || isCutBetween, JSON.stringify({ damage, at, whole: whole.length }));
    }),
    { numRuns: 300, endOnFailure: true },
  );
});

/** True where a record ends: nothing tells that there was another one behind it. */
function isBoundary(at: number): boolean {
  let end = 0;
  for (const text of texts) {
    if (at === end) return end > 0;
    end += headerBytes + text.length;
  }
  return at === end;
}

const headerBytes = 24;

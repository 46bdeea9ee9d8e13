import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEvents, warningIntervalMs } from '../../src/support/events.ts';
import { FakeClock } from './fake-clock.ts';
import { recordLogs } from './log-recorder.ts';
import { recordMetrics } from './metric-recorder.ts';

function createRecorders() {
  const { meter, values } = recordMetrics();
  const { logger, lines } = recordLogs();
  const clock = new FakeClock();
  return { event: createEvents({ meter, logger, clock }, { exporter: 'a' }), values, lines, clock };
}

const counter = { name: 'lost_samples', unit: '{sample}', description: 'Samples that are lost.' };

test('an event is counted with the attributes of its component and logged with its fields, by one call', async () => {
  const { event, values, lines } = createRecorders();
  const lost = event({ counter, line: { level: 'error', message: 'Dropping data.' } });
  lost({ count: 3, labels: { reason: 'full' }, fields: { dropped_items: 3 } });
  assert.deepEqual([...(await values())], [['lost_samples{exporter="a",reason="full"}', 3]]);
  assert.deepEqual(
    lines.map(({ level, msg, dropped_items }) => [level, msg, dropped_items]),
    [[50, 'Dropping data.', 3]],
  );
});

test('a rate-limited line is written at once, then once per interval with the number of lines skipped; all events are counted', async () => {
  const { event, values, lines, clock } = createRecorders();
  const lost = event({ counter, line: { level: 'warn', message: 'Lost.', intervalMs: warningIntervalMs } });
  for (let i = 0; i < 4; i++) lost();
  assert.equal(lines.length, 1);
  await clock.advance(warningIntervalMs);
  lost();
  lost();
  assert.deepEqual(
    lines.map(({ skipped_lines }) => skipped_lines),
    [undefined, 3],
  );
  assert.deepEqual([...(await values()).values()], [6]);
});

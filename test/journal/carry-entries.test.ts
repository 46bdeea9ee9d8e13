import assert from 'node:assert/strict';
import { test } from 'node:test';
import { carryEntries } from '../../src/journal/journal-record.ts';
import type { LogRecord } from '../../src/storage/segment.ts';

const record = (offset: number): LogRecord => ({ offset }) as LogRecord;

test('events of a batch stay with its record where a request without events came in between', () => {
  const entries = [
    { record: record(1), firstEvent: 0, events: undefined },
    { record: record(2), firstEvent: undefined, events: undefined },
    { record: record(3), firstEvent: 5, events: undefined },
  ];
  const carried = carryEntries(entries, [1, 4, 6]);
  assert.deepEqual(
    carried.map(({ record: { offset }, firstEvent, events }) => [offset, firstEvent, [...events!]]),
    [
      [1, 0, [1, 4]],
      [3, 2, [1]],
    ],
  );
});

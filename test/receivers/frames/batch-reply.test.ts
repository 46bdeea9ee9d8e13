import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NeededName } from '../../../src/model/batch-outcome.ts';
import { parseFileId } from '../../../src/model/file-id.ts';
import { encodeReply } from '../../../src/receivers/frames/batch-reply.ts';

test('encodeReply asks for 1,024 names and as many executables, however many are needed', () => {
  const fileId = parseFileId('00112233445566778899aabbccddeeff')!;
  const encoded = (count: number): string => {
    const namesNeeded = Array.from(
      { length: count },
      (_, index): NeededName => ({ owner: { fileId }, addressHigh: 0, addressLow: index + 1, kind: 3 }) as NeededName,
    );
    const executablesNeeded = Array.from({ length: count }, () => fileId);
    const numbers = { sequence: 1n, acceptedSamples: 1, rejectedSamples: 0, rejections: [], retryDelayMs: 0 };
    return encodeReply({ ...numbers, namesNeeded, executablesNeeded }).toString('base64');
  };
  assert.ok(encoded(2_000) === encoded(1_024));
  assert.ok(encoded(1_024) !== encoded(1_023));
});

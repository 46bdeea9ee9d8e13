import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ExportRequest } from '../src/exporters/export-request.ts';
import { exportReports } from '../src/pipeline.ts';
import type { CycleReport } from '../src/reporter/cycle-report.ts';
import { goodProfiles } from './otlp/good-profiles.ts';

test('exportReports encodes a report once for all exporters', () => {
  const requests: ExportRequest[] = [];
  const exporter = { id: 'debug', offer: (request: ExportRequest): boolean => requests.push(request) > 0 };
  const report = reportOf(goodProfiles());
  for (const { consume } of exportReports([exporter, exporter])) consume(report);
  assert.equal(requests.length, 2);
  assert.equal(requests[0], requests[1]);
  assert.equal(requests[0]!.encoded(), requests[1]!.encoded());
});

test('exportReports lets an exporter that fails fail alone', () => {
  let offers = 0;
  const faulty = {
    id: 'file',
    offer: (): boolean => {
      throw new Error('a fault of ours');
    },
  };
  const sound = { id: 'debug', offer: (): boolean => ++offers > 0 };
  const [first, second] = exportReports([faulty, sound]);
  assert.throws(() => first!.consume(reportOf(goodProfiles())));
  second!.consume(reportOf(goodProfiles()));
  assert.equal(offers, 1);
});

function reportOf(data: CycleReport['data']): CycleReport {
  return {
    range: { startUnixNano: 1n, endUnixNano: 2n },
    data,
    sampleCount: 1,
    eventCount: 1,
    heldCount: 0,
    unresolved: [],
    resubmittedStubs: 0,
    durationMs: 0,
  };
}

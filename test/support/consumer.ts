import type { CycleReport, ReportConsumer } from '../../src/reporter/cycle-report.ts';

/** A consumer of reports that needs one step. */
export function consumer(consume: (report: CycleReport) => void): ReportConsumer {
  return {
    *consume(report) {
      yield;
      consume(report);
    },
  };
}

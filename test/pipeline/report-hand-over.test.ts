import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ExportRequest, ProfilesExporter, Refusal } from '../../src/exporters/export-request.ts';

import { ReportHandOver } from '../../src/pipeline/report-hand-over.ts';
import type { CycleReport } from '../../src/reporter/cycle-report.ts';
import { goodProfiles } from '../otlp/good-profiles.ts';
import { recordLogs } from '../support/log-recorder.ts';

/** An exporter that writes down what it is asked. */
class RecordedExporter implements ProfilesExporter {
  readonly id: string;
  readonly room = 'open';
  readonly calls: string[] = [];
  readonly requests: ExportRequest[] = [];
  readonly reserve: ProfilesExporter['reserve'];

  /** With `answers` it is durable: what it says to reservations, one after the other; nothing is a yes. */
  constructor(id: string, answers?: (Refusal | undefined)[]) {
    this.id = id;
    this.reserve = answers && ((request) => this.#reserve(request, answers.shift()));
  }

  offer(request: ExportRequest): boolean {
    this.requests.push(request);
    this.calls.push('offer');
    return true;
  }

  #reserve(request: ExportRequest, answer: Refusal | undefined) {
    this.calls.push(answer ?? 'reserve');
    const commit = (): void => {
      this.requests.push(request);
      this.calls.push('commit');
    };
    return answer ?? { commit, cancel: () => this.calls.push('cancel') };
  }
}

function handOverTo(...exporters: ProfilesExporter[]) {
  const failures: unknown[] = [];
  const logs = recordLogs();
  const parts = { logger: logs.logger, onFailure: (error: unknown) => failures.push(error) };
  return { handOver: new ReportHandOver(exporters, parts), failures, logs };
}

const report: CycleReport = {
  range: { startUnixNano: 1n, endUnixNano: 2n },
  data: goodProfiles(),
  sampleCount: 1,
  eventCount: 1,
  heldCount: 0,
  unresolved: [],
  resubmittedStubs: 0,
  durationMs: 0,
};

describe('ReportHandOver', () => {
  test('gives one request, encoded once, to all exporters', () => {
    const [plain, durable] = [new RecordedExporter('debug'), new RecordedExporter('otlp', [])];
    const { handOver } = handOverTo(plain, durable);
    assert.equal(handOver.deliver(report), true);
    assert.deepEqual([plain.calls, durable.calls], [['offer'], ['reserve', 'commit']]);
    assert.equal(plain.requests[0], durable.requests[0]);
    assert.equal(handOver.admission(), undefined);
  });

  test('has nothing to give when a cycle reports nothing', () => {
    const exporter = new RecordedExporter('debug');
    const { handOver } = handOverTo(exporter);
    assert.equal(handOver.deliver({ ...report, data: undefined, sampleCount: 0 }), true);
    assert.deepEqual(exporter.calls, []);
  });

  test('gives a report to nobody while one storage cannot take it, and then once to each', () => {
    const plain = new RecordedExporter('debug');
    const sound = new RecordedExporter('otlp/sound', []);
    const full = new RecordedExporter('otlp/full', ['storage_full', 'storage_error']);
    const { handOver, logs } = handOverTo(plain, sound, full);
    assert.equal(handOver.deliver(report), false);
    assert.match(handOver.admission()!.reason, /waits for the sending queue of otlp\/full \(storage_full\)/);
    assert.equal(handOver.retry(), false);
    assert.match(handOver.admission()!.reason, /otlp\/full \(storage_error\)/);
    assert.equal(handOver.retry(), true);
    assert.equal(handOver.retry(), true, 'none waits any more');
    assert.equal(handOver.admission(), undefined);
    assert.deepEqual(plain.calls, ['offer']);
    assert.deepEqual(sound.calls, ['reserve', 'cancel', 'reserve', 'cancel', 'reserve', 'commit']);
    assert.deepEqual(full.calls, ['storage_full', 'storage_error', 'reserve', 'commit']);
    const texts = logs.lines.map(({ msg }) => msg);
    assert.equal(texts.length, 2, 'one line when it begins to wait, and one when it does no more');
  });

  test('waits for a full queue only when no other exporter can have the report', () => {
    const full = new RecordedExporter('otlp/full', ['queue_full', undefined]);
    const alone = handOverTo(full).handOver;
    assert.equal(alone.deliver(report), false);
    assert.equal(alone.retry(), true);
    const [again, plain] = [new RecordedExporter('otlp/full', ['queue_full']), new RecordedExporter('debug')];
    assert.equal(handOverTo(again, plain).handOver.deliver(report), true);
    assert.deepEqual([again.calls, plain.calls], [['queue_full', 'offer'], ['offer']], 'it counts its loss');
  });

  for (const refusal of ['too_large', 'storage_too_small'] as const) {
    test(`does not wait for room that there will never be: ${refusal}`, () => {
      const exporter = new RecordedExporter('otlp', [refusal]);
      assert.equal(handOverTo(exporter).handOver.deliver(report), true);
      assert.deepEqual(exporter.calls, [refusal, 'offer']);
    });
  }

  test('gives a report up to those who can take it, and lets the others count it', () => {
    const [plain, full] = [new RecordedExporter('debug'), new RecordedExporter('otlp', ['storage_full'])];
    const { handOver } = handOverTo(plain, full);
    handOver.deliver(report);
    handOver.surrender();
    assert.deepEqual([plain.calls, full.calls], [['offer'], ['storage_full', 'offer']]);
    assert.equal(handOver.admission(), undefined);
    handOver.surrender();
    assert.equal(plain.calls.length, 1);
  });

  for (const fault of ['offer', 'reserve', 'commit'] as const) {
    test(`lets an exporter whose ${fault} fails fail alone`, () => {
      const fail = (): never => {
        throw new Error('a fault of ours');
      };
      const faulty: ProfilesExporter = {
        id: 'file',
        room: 'open',
        offer: fail,
        reserve: fault === 'offer' ? undefined : fault === 'reserve' ? fail : () => ({ commit: fail, cancel: fail }),
      };
      const sound = new RecordedExporter('debug');
      const { handOver, failures } = handOverTo(faulty, sound);
      assert.equal(handOver.deliver(report), true);
      assert.deepEqual([failures.length, sound.calls], [1, ['offer']]);
    });
  }
});

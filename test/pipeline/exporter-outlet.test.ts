import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ExportRequest } from '../../src/exporters/export-request.ts';
import type { OfferResult, ProfilesExporter, Refusal, Reservation } from '../../src/exporters/profiles-exporter.ts';
import { ExporterOutlet } from '../../src/pipeline/exporter-outlet.ts';
import type { CycleReport } from '../../src/reporter/cycle-report.ts';
import type { Steps } from '../../src/support/steps.ts';
import { atOnce } from '../../src/support/steps.ts';
import { goodProfiles } from '../otlp/good-profiles.ts';
import { fakeExporter } from '../support/fake-exporter.ts';
import { recordLogs } from '../support/log-recorder.ts';

/** An exporter that writes down what it is asked. */
class RecordedExporter implements ProfilesExporter {
  readonly id: string;
  readonly blocksOnOverflow = false;
  readonly calls: string[] = [];
  readonly requests: ExportRequest[] = [];
  readonly #refusals: (Refusal | undefined)[];

  /** `refusals`: its answers to reservations, one after the other; `undefined` and none are a yes. */
  constructor(id: string, refusals: (Refusal | undefined)[] = []) {
    this.id = id;
    this.#refusals = refusals;
  }

  hasRoomFor(): boolean {
    return true;
  }

  *prepare(): Steps<void> {}

  async offer(request: ExportRequest): Promise<OfferResult> {
    this.requests.push(request);
    this.calls.push('offer');
    return { kind: 'taken' };
  }

  reserve(request: ExportRequest): Reservation | Refusal {
    const refusal = this.#refusals.shift();
    this.calls.push(refusal ?? 'reserve');
    const commit = (): void => {
      this.requests.push(request);
      this.calls.push('commit');
    };
    return refusal ?? { commit, cancel: () => this.calls.push('cancel') };
  }
}

function outletTo(...exporters: ProfilesExporter[]) {
  const failures: unknown[] = [];
  const logs = recordLogs();
  const parts = { logger: logs.logger, onFailure: (error: unknown) => failures.push(error) };
  return { outlet: new ExporterOutlet(exporters, parts), failures, logs };
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

describe('ExporterOutlet', () => {
  test('gives one request, encoded once, to all exporters', () => {
    const [plain, durable] = [new RecordedExporter('debug'), new RecordedExporter('otlp', [])];
    const { outlet } = outletTo(plain, durable);
    assert.equal(atOnce(outlet.deliver(report)), true);
    assert.deepEqual(
      [plain.calls, durable.calls],
      [
        ['reserve', 'commit'],
        ['reserve', 'commit'],
      ],
    );
    assert.equal(plain.requests[0], durable.requests[0]);
    assert.equal(outlet.admission(), undefined);
  });

  test('keeps the objects of a report until all exporters have prepared it, and no longer', () => {
    const data = goodProfiles();
    const seen: boolean[] = [];
    const encoding = {
      ...fakeExporter('encoding', () => true),
      *prepare(request: ExportRequest): Steps<void> {
        yield* request.encode();
      },
    };
    const looking = {
      ...fakeExporter('looking', () => true),
      *prepare(request: ExportRequest): Steps<void> {
        seen.push(request.data === data);
        yield;
      },
      reserve: (request: ExportRequest): Reservation => {
        seen.push(request.data === data);
        return { commit: () => undefined, cancel: () => undefined };
      },
    };
    const { outlet } = outletTo(encoding, looking);
    assert.equal(atOnce(outlet.deliver({ ...report, data })), true);
    assert.deepEqual(seen, [true, false]);
  });

  test('tells an exporter whether others get the report too', () => {
    for (const ids of [['only'], ['one', 'another']]) {
      const told: boolean[] = [];
      const exporters = ids.map((id) => ({
        ...fakeExporter(id, () => true),
        *prepare(_: ExportRequest, isShared: boolean): Steps<void> {
          told.push(isShared);
          yield;
        },
      }));
      const { outlet } = outletTo(...exporters);
      assert.equal(atOnce(outlet.deliver(report)), true);
      assert.deepEqual(
        told,
        ids.map(() => ids.length > 1),
      );
    }
  });

  test('has nothing to give when a cycle reports nothing', () => {
    const exporter = new RecordedExporter('debug');
    const { outlet } = outletTo(exporter);
    assert.equal(atOnce(outlet.deliver({ ...report, data: undefined, sampleCount: 0 })), true);
    assert.deepEqual(exporter.calls, []);
  });

  test('gives a report to nobody while one storage cannot take it, and then once to each', () => {
    const plain = new RecordedExporter('debug');
    const sound = new RecordedExporter('otlp/sound', []);
    const full = new RecordedExporter('otlp/full', ['storage_full', 'storage_error']);
    const { outlet, logs } = outletTo(plain, sound, full);
    assert.equal(atOnce(outlet.deliver(report)), false);
    assert.match(outlet.admission()!.reason, /waits for the sending queue of otlp\/full \(storage_full\)/);
    assert.equal(outlet.retry(), false);
    assert.match(outlet.admission()!.reason, /otlp\/full \(storage_error\)/);
    assert.equal(outlet.retry(), true);
    assert.equal(outlet.retry(), true, 'none waits any more');
    assert.equal(outlet.admission(), undefined);
    assert.deepEqual(plain.calls, sound.calls);
    assert.deepEqual(sound.calls, ['reserve', 'cancel', 'reserve', 'cancel', 'reserve', 'commit']);
    assert.deepEqual(full.calls, ['storage_full', 'storage_error', 'reserve', 'commit']);
    const texts = logs.lines.map(({ msg }) => msg);
    assert.equal(texts.length, 2, 'one line when it begins to wait, and one when it does no more');
  });

  test('waits for a full queue only when no other exporter can have the report', () => {
    const full = new RecordedExporter('otlp/full', ['queue_full', undefined]);
    const alone = outletTo(full).outlet;
    assert.equal(atOnce(alone.deliver(report)), false);
    assert.equal(alone.retry(), true);
    const [again, plain] = [new RecordedExporter('otlp/full', ['queue_full']), new RecordedExporter('debug')];
    assert.equal(atOnce(outletTo(again, plain).outlet.deliver(report)), true);
    const calls = [again.calls, plain.calls];
    assert.deepEqual(
      calls,
      [
        ['queue_full', 'offer'],
        ['reserve', 'commit'],
      ],
      'it counts its loss',
    );
  });

  for (const refusal of ['too_large', 'storage_too_small'] as const) {
    test(`does not wait for room that there will never be: ${refusal}`, () => {
      const exporter = new RecordedExporter('otlp', [refusal]);
      assert.equal(atOnce(outletTo(exporter).outlet.deliver(report)), true);
      assert.deepEqual(exporter.calls, [refusal, 'offer']);
    });
  }

  test('gives a report up to those who can take it, and lets the others count it', () => {
    const [plain, full] = [
      new RecordedExporter('debug'),
      new RecordedExporter('otlp', ['storage_full', 'storage_full']),
    ];
    const { outlet } = outletTo(plain, full);
    atOnce(outlet.deliver(report));
    outlet.drop();
    assert.deepEqual(plain.calls, ['reserve', 'cancel', 'reserve', 'commit']);
    assert.deepEqual(full.calls, ['storage_full', 'storage_full', 'offer']);
    assert.equal(outlet.admission(), undefined);
    outlet.drop();
    assert.equal(plain.calls.length, 4);
  });

  for (const fault of ['reserve', 'commit', 'offer', 'late offer'] as const) {
    test(`lets an exporter whose ${fault} fails fail alone`, async () => {
      const fail = (): never => {
        throw new Error('a fault of ours');
      };
      const faulty: ProfilesExporter = {
        ...fakeExporter('file', () => true),
        offer: fault === 'offer' ? fail : async () => fail(),
        reserve: () =>
          fault === 'reserve' ? fail() : fault === 'commit' ? { commit: fail, cancel: fail } : 'too_large',
      };
      const sound = new RecordedExporter('debug');
      const { outlet, failures } = outletTo(faulty, sound);
      assert.equal(atOnce(outlet.deliver(report)), true);
      await new Promise((resolve) => setImmediate(resolve));
      assert.deepEqual([failures.length, sound.calls], [1, ['reserve', 'commit']]);
    });
  }
});

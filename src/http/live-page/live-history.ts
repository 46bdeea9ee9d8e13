import type { Counter, Meter } from '@opentelemetry/api';
import { typeKeyOf } from '../../profile/history/history-frame.ts';
import type { HistoryContents, HistorySource } from '../../profile/history/profile-history.ts';
import { ProfileHistory } from '../../profile/history/profile-history.ts';
import type { WorkSlices } from '../../profile/history/work-slices.ts';
import type { Steps } from '../../support/steps.ts';
import type { CycleFigures, LiveCycle, PassedFigures, PassedRequest } from './live-cycle.ts';
import type { PassedBatch } from './passed-requests.ts';
import { PassedRequests } from './passed-requests.ts';

export interface LiveHistoryParts {
  readonly meter: Meter;
  /** Reads a request that passed. */
  readonly decode: (bytes: Uint8Array) => HistorySource;
  /** Divides a large request, so that its parts are read in turns; `undefined` where that did not succeed. */
  readonly divide: (bytes: Uint8Array) => Promise<DividedRequest | undefined>;
}

export interface DividedRequest {
  readonly parts: readonly Uint8Array[];
  /** Samples that no part holds. */
  readonly leftOutSampleCount: number;
}

/** State of the page apart from its selection. */
export interface LiveState {
  /** `null` before the first cycle. */
  readonly endUnixMs: number | null;
  readonly startUnixMs: number | null;
  readonly figures: (CycleFigures & { readonly passed: PassedFigures }) | null;
  readonly types: readonly object[];
  readonly history: {
    readonly sizeBytes: number;
    readonly maxBytes: number;
    readonly droppedBuckets: number;
    readonly foldedBuckets: number;
    readonly omittedSamples: number;
  };
}

/** A request of this size is read in some 20 ms. */
const mostBytesAtOnce = 512 * 1024;

/** The cycles of the last hour, with the requests that were sent on in their time and since. */
export class LiveHistory {
  readonly #history: ProfileHistory;
  readonly #passed: PassedRequests;
  readonly #maxBytes: number;
  readonly #decode: LiveHistoryParts['decode'];
  readonly #divide: LiveHistoryParts['divide'];
  readonly #skippedSamples: Counter;
  #figures: LiveState['figures'] = null;
  #folding: Promise<void> | undefined;

  constructor(
    bounds: { maxHistoryBytes: number; maxPassedBytes: number },
    { meter, decode, divide }: LiveHistoryParts,
  ) {
    this.#maxBytes = bounds.maxHistoryBytes;
    this.#history = new ProfileHistory({ maxBytes: bounds.maxHistoryBytes });
    this.#passed = new PassedRequests(bounds.maxPassedBytes);
    this.#decode = decode;
    this.#divide = divide;
    this.#skippedSamples = meter.createCounter('framekeeper_live_page_skipped_samples', {
      description: 'Samples of OTLP requests sent on that the live page does not show, for lack of room.',
      unit: '{sample}',
    });
    observeHistory(meter, this.#history);
  }

  get contents(): HistoryContents {
    return this.#history.contents;
  }

  *addCycle({ endUnixMs, data, figures }: LiveCycle): Steps<void> {
    yield* this.#history.addCycleInSteps(endUnixMs - figures.windowMs, endUnixMs, data === undefined ? [] : [data]);
    this.#figures = { ...figures, passed: this.#passed.takeFigures() };
  }

  /** Nothing is decoded before somebody looks. Samples of older requests that have to go are counted. */
  addPassed(request: PassedRequest, unixMs: number): void {
    this.#countSkipped(this.#passed.add(request, unixMs));
  }

  #countSkipped(sampleCount: number): void {
    if (sampleCount > 0) this.#skippedSamples.add(sampleCount);
  }

  /** Reads the requests that wait, once for all who look. */
  readPassed(slices: WorkSlices): Promise<void> {
    this.#folding ??= this.#readPassed(slices).finally(() => {
      this.#folding = undefined;
    });
    return this.#folding;
  }

  async #readPassed(slices: WorkSlices): Promise<void> {
    const { buckets } = this.contents;
    const bucketOf = (unixMs: number): number => buckets.findIndex(({ endUnixMs }) => unixMs <= endUnixMs);
    const isSameTime = (a: number, b: number): boolean => bucketOf(a) === bucketOf(b);
    for (;;) {
      const batch = this.#passed.takeBatch(isSameTime);
      if (batch === undefined) return;
      const { unixMs, requests } = batch;
      const [first] = requests;
      if (requests.length === 1 && first!.length > mostBytesAtOnce) await this.#readLarge(first!, batch, slices);
      else this.#history.addLate(unixMs, requests.map(this.#decode));
      await slices.breathe();
    }
  }

  async #readLarge(bytes: Uint8Array, { unixMs, sampleCount }: PassedBatch, slices: WorkSlices): Promise<void> {
    const divided = await this.#divide(bytes);
    this.#countSkipped(divided?.leftOutSampleCount ?? sampleCount);
    for (const part of divided?.parts ?? []) {
      this.#history.addLate(unixMs, [this.#decode(part)]);
      await slices.breathe();
    }
  }

  state(): LiveState {
    const { buckets, types } = this.contents;
    const { losses, sizeBytes } = this.#history;
    return {
      endUnixMs: buckets.at(-1)?.endUnixMs ?? null,
      startUnixMs: buckets[0]?.startUnixMs ?? null,
      figures: this.#figures,
      types: types.map((type) => ({ ...type, key: typeKeyOf(type) })),
      history: { sizeBytes, maxBytes: this.#maxBytes, ...losses },
    };
  }
}

function observeHistory(meter: Meter, history: ProfileHistory): void {
  const gauge = (name: string, description: string, unit: string, read: () => number): void => {
    meter.createObservableGauge(name, { description, unit }).addCallback((result) => result.observe(read()));
  };
  const counter = (name: string, description: string, unit: string, read: () => number): void => {
    meter.createObservableCounter(name, { description, unit }).addCallback((result) => result.observe(read()));
  };
  const { losses } = history;
  gauge(
    'framekeeper_live_page_history_bytes',
    'Memory of the live page’s history, estimated.',
    'By',
    () => history.sizeBytes,
  );
  counter(
    'framekeeper_live_page_dropped_buckets',
    'Spans of time that left the live page’s history before an hour, for lack of room.',
    '{bucket}',
    () => losses.droppedBuckets,
  );
  counter(
    'framekeeper_live_page_folded_buckets',
    'Spans of time in which the live page’s history folded small stacks into their callers, for lack of room.',
    '{bucket}',
    () => losses.foldedBuckets,
  );
  counter(
    'framekeeper_live_page_omitted_samples',
    'Samples that the live page left out, because they were of a seventeenth profile type or later.',
    '{sample}',
    () => losses.omittedSamples,
  );
}

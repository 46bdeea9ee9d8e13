import type {
  Attributes,
  BatchObservableCallback,
  BatchObservableResult,
  Meter,
  MetricOptions,
  Observable,
  ObservableCallback,
} from '@opentelemetry/api';
import { diag } from '@opentelemetry/api';

type ObservableKind = 'createObservableGauge' | 'createObservableCounter' | 'createObservableUpDownCounter';

/** Value of a series in one collection. */
interface SeriesValue {
  readonly attributes: Attributes;
  value: number;
}

/** One instrument for all who create an instrument of its name. */
class SharedObservable implements Observable {
  readonly real: Observable;
  readonly takesLargest: boolean;
  readonly callbacks = new Set<ObservableCallback>();

  constructor(real: Observable, takesLargest: boolean) {
    this.real = real;
    this.takesLargest = takesLargest;
  }

  addCallback(callback: ObservableCallback): void {
    this.callbacks.add(callback);
  }

  removeCallback(callback: ObservableCallback): void {
    this.callbacks.delete(callback);
  }
}

/**
 * SharedObservers is a meter of which several observers may observe one series: the stores of two pipelines, or a component and its
 * successor. The SDK keeps the last of them and says nothing. Here counts and sizes are summed; of ages and times, and of
 * memory, which all limiters measure of the same process, the largest counts.
 */
class SharedObservers {
  readonly #meter: Meter;
  readonly #shared = new Map<string, SharedObservable>();
  readonly #batches = new Set<BatchObservableCallback>();
  /** Instruments as the SDK was told last. */
  #told: Observable[] = [];

  constructor(meter: Meter) {
    this.#meter = meter;
  }

  create(kind: ObservableKind, name: string, options: MetricOptions | undefined): Observable {
    const known = this.#shared.get(name);
    if (known !== undefined) return known;
    const isTime = kind === 'createObservableGauge' && options?.unit === 's';
    const takesLargest = isTime || name.startsWith('framekeeper_memory_limiter_');
    const created = new SharedObservable(this.#meter[kind](name, options), takesLargest);
    this.#shared.set(name, created);
    this.#meter.removeBatchObservableCallback(this.#collect, this.#told);
    this.#told = Array.from(this.#shared.values(), ({ real }) => real);
    this.#meter.addBatchObservableCallback(this.#collect, this.#told);
    return created;
  }

  add(callback: BatchObservableCallback): void {
    this.#batches.add(callback);
  }

  remove(callback: BatchObservableCallback): void {
    this.#batches.delete(callback);
  }

  readonly #collect = async (result: BatchObservableResult): Promise<void> => {
    const all = new Map<SharedObservable, Map<string, SeriesValue>>();
    const ask = async (callback: () => unknown): Promise<void> => {
      try {
        await callback();
      } catch (error) {
        diag.error('Metrics could not be observed.', error);
      }
    };
    for (const shared of this.#shared.values()) {
      const observe = (value: number, attributes?: Attributes): void => note(all, shared, value, attributes);
      for (const callback of shared.callbacks) await ask(() => callback({ observe }));
    }
    const observeIn = (shared: Observable, value: number, attributes?: Attributes): void =>
      note(all, shared as SharedObservable, value, attributes);
    for (const callback of this.#batches) await ask(() => callback({ observe: observeIn } as BatchObservableResult));
    for (const [{ real }, series] of all) {
      for (const { value, attributes } of series.values()) result.observe(real, value, attributes);
    }
  };
}

function note(
  all: Map<SharedObservable, Map<string, SeriesValue>>,
  shared: SharedObservable,
  value: number,
  attributes: Attributes = {},
): void {
  const series = all.get(shared) ?? new Map<string, SeriesValue>();
  all.set(shared, series);
  const key = JSON.stringify(Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1)));
  const known = series.get(key);
  if (known === undefined) series.set(key, { attributes, value });
  else known.value = shared.takesLargest ? Math.max(known.value, value) : known.value + value;
}

/** The meter, with observers that share series. */
export function withSharedObservers(meter: Meter): Meter {
  const observers = new SharedObservers(meter);
  return {
    createGauge: (name, options) => meter.createGauge(name, options),
    createHistogram: (name, options) => meter.createHistogram(name, options),
    createCounter: (name, options) => meter.createCounter(name, options),
    createUpDownCounter: (name, options) => meter.createUpDownCounter(name, options),
    createObservableGauge: (name, options) => observers.create('createObservableGauge', name, options),
    createObservableCounter: (name, options) => observers.create('createObservableCounter', name, options),
    createObservableUpDownCounter: (name, options) => observers.create('createObservableUpDownCounter', name, options),
    addBatchObservableCallback: (callback) => observers.add(callback),
    removeBatchObservableCallback: (callback) => observers.remove(callback),
  };
}

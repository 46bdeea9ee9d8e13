import type { ComponentKind } from '../../config/component-type.ts';
import type { ComponentStatus } from '../../model/component-status.ts';
import type { Clock } from '../../support/clock.ts';
import { messageOf } from '../../support/error-text.ts';

export interface StatusEvent {
  readonly status: ComponentStatus;
  /** Time of the report; `undefined` before the first one. */
  readonly unixNano: bigint | undefined;
  /** The same by the monotonic clock, for ages. */
  readonly monotonicMs: number | undefined;
  /** Empty when nothing is wrong. */
  readonly error: string;
}

/** The status of a whole, and of its parts by name. */
export interface AggregateStatus extends StatusEvent {
  readonly components: ReadonlyMap<string, AggregateStatus>;
}

/** Members are `kind:id`, e.g. `receiver:frames`. */
export interface PipelineMembers {
  /** E.g. `profiles`. */
  readonly id: string;
  readonly members: readonly string[];
}

/**
 * HealthStatus keeps the last report of every component, and the readiness of the service as a whole. Readiness is a statement of its
 * own: it begins after everything has started and ends first thing on shutdown, whatever the components say.
 */
export class HealthStatus {
  readonly startUnixNano: bigint;
  readonly #clock: Clock;
  #pipelines: readonly PipelineMembers[];
  readonly #groups = new Map<string, Map<string, StatusEvent>>();
  readonly #listeners: (() => void)[] = [];
  #readySinceUnixNano: bigint | undefined;

  constructor(pipelines: readonly PipelineMembers[], clock: Clock) {
    this.#pipelines = pipelines;
    this.#clock = clock;
    this.startUnixNano = clock.unixNano();
  }

  /**
   * Records a component's status in every pipeline that it is part of; extensions have a group of their own.
   * A step that the model does not allow (e.g. a fatal error is final) changes nothing.
   */
  report(componentId: string, kind: ComponentKind, status: ComponentStatus, error?: unknown): void {
    const name = `${kind}:${componentId}`;
    const event = {
      status,
      unixNano: this.#clock.unixNano(),
      monotonicMs: this.#clock.nowMs(),
      error: error === undefined ? '' : messageOf(error),
    };
    for (const group of this.#groupsOf(name, kind)) {
      const before = this.#groups.get(group)?.get(name)?.status ?? 'none';
      if (!nextStatuses[before].includes(status)) continue;
      const events = this.#groups.get(group) ?? new Map<string, StatusEvent>();
      this.#groups.set(group, events.set(name, event));
    }
    this.#tell();
  }

  /** Tells which components belong to which pipelines from now on. */
  setPipelines(pipelines: readonly PipelineMembers[]): void {
    this.#pipelines = pipelines;
  }

  /** Forgets the status of a component that is gone, or that another one replaces. */
  forget(componentId: string, kind: ComponentKind): void {
    for (const events of this.#groups.values()) events.delete(`${kind}:${componentId}`);
    this.#tell();
  }

  markReady(): void {
    this.#readySinceUnixNano ??= this.#clock.unixNano();
    this.#tell();
  }

  markNotReady(): void {
    this.#readySinceUnixNano = undefined;
    this.#tell();
  }

  /** Since when the service has been ready; `undefined` while it is not. */
  get readySinceUnixNano(): bigint | undefined {
    return this.#readySinceUnixNano;
  }

  get isFatal(): boolean {
    return this.aggregate().status === 'fatal_error';
  }

  /** Status of the whole service: its groups are `extensions` and `pipeline:<id>`. `firstError` outweighs the other kind of error. */
  aggregate(firstError: FirstError = 'permanent_error'): AggregateStatus {
    const groups = [...this.#groups.keys()].map((group) => [group, this.#aggregateGroup(group, firstError)] as const);
    return aggregateOf(new Map(groups), firstError);
  }

  /** Status of one pipeline, or of `extensions`; `undefined` when nothing of it has reported. */
  aggregateOf(pipeline: string, firstError: FirstError = 'permanent_error'): AggregateStatus | undefined {
    const group = pipeline === 'extensions' ? pipeline : `pipeline:${pipeline}`;
    return this.#groups.has(group) ? this.#aggregateGroup(group, firstError) : undefined;
  }

  /** Calls `listener` after every change, e.g. to pass it on to grpc.health.v1. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  #aggregateGroup(group: string, firstError: FirstError): AggregateStatus {
    const events = [...this.#groups.get(group)!];
    return aggregateOf(new Map(events.map(([name, event]) => [name, { ...event, components: new Map() }])), firstError);
  }

  #groupsOf(name: string, kind: ComponentKind): string[] {
    if (kind === 'extension') return ['extensions'];
    return this.#pipelines.filter(({ members }) => members.includes(name)).map(({ id }) => `pipeline:${id}`);
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

// The state machine of service/internal/status in opentelemetry-collector, but for one step: a permanent error heals, because
// credentials are read again while the service runs.
const nextStatuses: Record<ComponentStatus, readonly ComponentStatus[]> = {
  none: ['starting'],
  starting: ['ok', 'recoverable_error', 'permanent_error', 'fatal_error', 'stopping'],
  ok: ['recoverable_error', 'permanent_error', 'fatal_error', 'stopping'],
  recoverable_error: ['ok', 'permanent_error', 'fatal_error', 'stopping'],
  permanent_error: ['ok', 'recoverable_error', 'stopping'],
  fatal_error: [],
  stopping: ['recoverable_error', 'permanent_error', 'fatal_error', 'stopped'],
  stopped: [],
};

/** The kind of error that outweighs the other. */
export type FirstError = 'permanent_error' | 'recoverable_error';

const errors = [
  ['permanent_error', 'permanent_error'],
  ['recoverable_error', 'recoverable_error'],
] as const;

/** Order in which states outweigh others when parts differ; `stopped` parts of a whole that has not stopped mean that it is stopping. */
const precedence = [
  ['fatal_error', 'fatal_error'],
  ['starting', 'starting'],
  ['stopping', 'stopping'],
  ['stopped', 'stopping'],
] as const satisfies readonly (readonly [ComponentStatus, ComponentStatus])[];

/**
 * One status for many: equal ones stay, otherwise the precedence decides. An error keeps the time of its first
 * occurrence, which is nearest to the cause; everything else the time of the latest event.
 */
function aggregateOf(components: ReadonlyMap<string, AggregateStatus>, firstError: FirstError): AggregateStatus {
  const parts = [...components.values()];
  const seen = new Set(parts.map(({ status }) => status));
  const order = [...precedence, [firstError, firstError] as const, ...errors];
  const status = seen.size === 1 ? parts[0]!.status : (order.find(([part]) => seen.has(part))?.[1] ?? 'none');
  const byTime = parts.toSorted((a, b) => (a.monotonicMs ?? 0) - (b.monotonicMs ?? 0));
  const first = byTime.find((part) => part.status === status);
  const isError = status.endsWith('_error');
  const { unixNano, monotonicMs } = (isError ? first : byTime.at(-1)) ?? {
    unixNano: undefined,
    monotonicMs: undefined,
  };
  return { status, unixNano, monotonicMs, error: isError ? (first?.error ?? '') : '', components };
}

import type { ConfiguredComponent } from '../config/check-document.ts';
import { formatEndpoint } from '../config/endpoint.ts';
import type { CreatedReceiver, ReceiverType } from '../receivers/receiver-type.ts';
import type { Component, LifecycleStatus } from '../support/lifecycle.ts';
import { Lifecycle } from '../support/lifecycle.ts';
import type { ServiceConfig } from './components.ts';

type Configured = ConfiguredComponent<ReceiverType>;

/** A receiver's configuration, and its pipeline. */
interface Placed {
  readonly configured: Configured;
  readonly pipelineId: string;
}

interface Running extends Placed, CreatedReceiver {}

export interface RunningReceiversParts {
  /** Creates a receiver of a pipeline. */
  readonly create: (component: Configured, pipelineId: string) => CreatedReceiver;
  readonly report: (id: string, status: LifecycleStatus, error?: unknown) => void;
  /** Forgets the status of a receiver that is gone, or about to be replaced. */
  readonly forget: (id: string) => void;
  /** Lets go of the servers of receivers that have stopped. */
  readonly forgetServers: () => void;
}

/** RunningReceivers are the receivers of all pipelines, as one part of the service. Each can be replaced while the others work. */
export class RunningReceivers implements Component {
  readonly id = 'receivers';
  readonly #parts: RunningReceiversParts;
  readonly #running = new Map<string, Running>();

  constructor(config: ServiceConfig, parts: RunningReceiversParts) {
    this.#parts = parts;
    for (const placed of placedIn(config)) this.#create(placed);
  }

  /** Ports by receiver; that of OTLP over HTTP by `identifier:http`. 0 before a receiver listens. */
  get ports(): ReadonlyMap<string, number> {
    const all = [...this.#running].flatMap(([id, { ports }]) =>
      [...ports].map(([protocol, port]) => [protocol === 'grpc' ? id : `${id}:http`, port()] as const),
    );
    return new Map(all);
  }

  /** Rejects when a receiver cannot start, after those before it were stopped. */
  start(): Promise<void> {
    const components = [...this.#running.values()].map(({ component }) => component);
    const lifecycle = new Lifecycle(components, ({ id }, status, error) => this.#parts.report(id, status, error));
    return lifecycle.start().catch((error) => {
      this.#running.clear();
      throw error;
    });
  }

  async stop(deadline: AbortSignal): Promise<void> {
    await this.#stopAll([...this.#running.values()].reverse(), deadline);
  }

  /**
   * Stops the receivers `ids`, receivers that no pipeline has any more, and receivers that share a listener with them; then starts
   * the receivers of `config`. Where a receiver cannot start, all of them go on as before. Returns the receivers that
   * did not change, with the reason.
   */
  async replace(config: ServiceConfig, ids: readonly string[], deadline: AbortSignal): Promise<Map<string, unknown>> {
    const placed = placedIn(config);
    const gone = [...this.#running.keys()].filter((id) => !placed.some(({ configured }) => configured.id === id));
    const changing = withSharers([...this.#running.values(), ...placed], new Set([...ids, ...gone]));
    const before = [...this.#running.values()].filter(({ configured }) => changing.has(configured.id));
    await this.#stopAll(before, deadline);
    const failed = await this.#startAll(placed.filter(({ configured }) => changing.has(configured.id)));
    if (failed.size === 0) return failed;
    const started = [...this.#running.values()].filter(({ configured }) => changing.has(configured.id));
    await this.#stopAll(started, AbortSignal.abort());
    // Ports of the former receivers were free a moment ago.
    await this.#startAll(before);
    const [cause] = failed.values();
    return new Map(started.map(({ configured: { id } }) => [id, failed.get(id) ?? cause]));
  }

  #create(placed: Placed): Running {
    const running = { ...placed, ...this.#parts.create(placed.configured, placed.pipelineId) };
    this.#running.set(placed.configured.id, running);
    return running;
  }

  async #stopAll(receivers: readonly Running[], deadline: AbortSignal): Promise<void> {
    for (const { component } of receivers) {
      this.#parts.report(component.id, 'stopping');
      try {
        await component.stop(deadline);
        this.#parts.report(component.id, 'stopped');
      } catch (error) {
        this.#parts.report(component.id, 'permanent_error', error);
      }
      this.#running.delete(component.id);
    }
    this.#parts.forgetServers();
  }

  /** Sharers of a server are created before the first of them starts it. */
  async #startAll(receivers: readonly Placed[]): Promise<Map<string, unknown>> {
    const failed = new Map<string, unknown>();
    for (const { component } of receivers.map((placed) => this.#create(placed))) {
      this.#parts.forget(component.id);
      this.#parts.report(component.id, 'starting');
      try {
        await component.start();
        this.#parts.report(component.id, 'ok');
      } catch (error) {
        failed.set(component.id, error);
        this.#parts.report(component.id, 'permanent_error', error);
      }
    }
    return failed;
  }
}

function placedIn({ pipelines, receivers }: ServiceConfig): Placed[] {
  return [...pipelines].flatMap(([pipelineId, pipeline]) =>
    pipeline.receivers.map((id) => ({ configured: receivers.get(id)!, pipelineId })),
  );
}

/** `ids` with all receivers that share a listener with one of them, before or after. */
function withSharers(receivers: readonly Placed[], ids: ReadonlySet<string>): ReadonlySet<string> {
  const all = new Set(ids);
  const endpoints = new Set<string>();
  let known = -1;
  while (known < all.size + endpoints.size) {
    known = all.size + endpoints.size;
    for (const { configured } of receivers) {
      const own = endpointsOf(configured);
      if (all.has(configured.id)) for (const endpoint of own) endpoints.add(endpoint);
      else if (own.some((endpoint) => endpoints.has(endpoint))) all.add(configured.id);
    }
  }
  return all;
}

/** Each receiver that asks for any free port gets its own. */
function endpointsOf({ type, config }: Configured): string[] {
  const listeners = type.listens?.(config) ?? [];
  return listeners.filter(({ endpoint }) => endpoint.port !== 0).map(({ endpoint }) => formatEndpoint(endpoint));
}

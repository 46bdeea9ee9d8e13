/** A part of the service with a beginning and an end. Started in order of the data flow's end first, stopped in reverse. */
export interface Component {
  /** The identifier from the configuration, `type` or `type/name`. */
  readonly id: string;
  /** Resolves when the part works; rejects when it cannot, with a message that names field, value and remedy. */
  start(): Promise<void>;
  /** Finishes what is in hand until `deadline` aborts, then gives up. Called once, also after a failed start. */
  stop(deadline: AbortSignal): Promise<void>;
}

export type LifecycleStatus = 'starting' | 'ok' | 'permanent_error' | 'stopping' | 'stopped';

/** Told about every step; never throws. */
export type StatusListener<C extends Component> = (component: C, status: LifecycleStatus, error?: unknown) => void;

/**
 * Starts components one after the other and stops them in reverse. When a component cannot start, the components before it are
 * stopped again. A component that cannot stop does not keep other components from stopping.
 */
export class Lifecycle<C extends Component> {
  readonly #components: readonly C[];
  readonly #tell: StatusListener<C>;
  readonly #started: C[] = [];

  constructor(components: readonly C[], tell: StatusListener<C>) {
    this.#components = components;
    this.#tell = tell;
  }

  /** @throws what the component threw that could not start, after the others were stopped. */
  async start(): Promise<void> {
    for (const component of this.#components) {
      this.#tell(component, 'starting');
      this.#started.push(component);
      try {
        await component.start();
      } catch (error) {
        this.#tell(component, 'permanent_error', error);
        await this.stop(AbortSignal.abort());
        throw error;
      }
      this.#tell(component, 'ok');
    }
  }

  /** Stops what was started, the last first. */
  async stop(deadline: AbortSignal): Promise<void> {
    for (let component = this.#started.pop(); component !== undefined; component = this.#started.pop()) {
      this.#tell(component, 'stopping');
      try {
        await component.stop(deadline);
        this.#tell(component, 'stopped');
      } catch (error) {
        this.#tell(component, 'permanent_error', error);
      }
    }
  }
}

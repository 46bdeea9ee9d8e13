/** A part of the service with a beginning and an end. Started in order of the data flow's end first, stopped in reverse. */
export interface Component {
  /** The identifier from the configuration, `type` or `type/name`. */
  readonly id: string;
  /** Resolves when the part works; rejects when it cannot, with a message that names field, value and remedy. */
  start(): Promise<void>;
  /** Finishes what is in hand until `deadline` aborts, then gives up. Called once, also after a failed start. */
  stop(deadline: AbortSignal): Promise<void>;
}

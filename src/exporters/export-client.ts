import type { Send } from './send-result.ts';

/** The end of the chain: what writes to a wire, a file or a log. One attempt a call; time and retries are the chain's. */
export interface ExportClient {
  /** Rejects when it cannot work, with a message that names field, value and remedy. */
  start(): Promise<void>;
  readonly send: Send;
  /** Writes out what is buffered and closes. Called once, after the last `send`, also after a failed start. */
  close(): Promise<void>;
}

/** Where encoded messages end up. Calls do not overlap. Errors are those of `node:fs`. */
export interface MessageSink {
  open(): Promise<void>;
  /** Writes the whole message, or nothing of it. */
  write(message: Uint8Array): Promise<void>;
  /** Makes sure that all is on disk, as far as the system can say. */
  close(): Promise<void>;
}

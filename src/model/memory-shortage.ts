/** The process lacks the memory that a message takes, and may have it later. */
export class MemoryShortage extends Error {
  /** Ends the sentence "memory is too short to …". */
  readonly purpose: string;

  constructor(purpose: string, options?: ErrorOptions) {
    super(`memory is too short to ${purpose}; send it again later`, options);
    this.purpose = purpose;
  }
}

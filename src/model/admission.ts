/** Reason why nothing can be taken at present, and the delay before the next attempt. */
export interface AdmissionRefusal {
  /** A sentence for whoever runs the sender: what is full, and what it waits for. */
  readonly reason: string;
  readonly retryDelayMs: number;
}

/** Asked by receivers before they decode anything. `undefined`: come in. Must cost next to nothing. */
export type Admission = () => AdmissionRefusal | undefined;

/** Streams of which is known how they have ended: a client that has begun so many others since knows it, too. */
const mostKnown = 1_024;

/** Ends of the last streams of a client, which say what frames of them mean that come nevertheless (RFC 9113, 5.1). */
export class EndedStreams {
  /** By the lower bits of their numbers; less than nothing where the client may not have known the end when it sent more. */
  readonly #ids = new Int32Array(mostKnown);

  /** `isTold`: the end is the server's, of which the client hears later. */
  add(id: number, isTold: boolean): void {
    this.#ids[(id >>> 1) % mostKnown] = isTold ? -id : id;
  }

  /** `late`: frames that come are on their way from before the end, and nobody's fault. `unknown`: too long ago, or never begun. */
  endOf(id: number): 'late' | 'closed' | 'unknown' {
    const known = this.#ids[(id >>> 1) % mostKnown];
    if (known === -id) return 'late';
    return known === id ? 'closed' : 'unknown';
  }
}

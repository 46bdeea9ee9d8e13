export type FaultKind = 'damaged' | 'foreign' | 'newer' | 'too_large' | 'unreadable';

const remedies: Record<FaultKind, string> = {
  damaged: 'its names are lost and will be asked for, and the next snapshot replaces it',
  foreign: 'give the snapshot a path of its own',
  newer: 'run the version that wrote it, or let the next snapshot replace it',
  too_large: 'raise max_size_mib, or let the next snapshot replace it',
  unreadable: 'give a path that framekeeper may read and write',
};

/** A file that cannot be read as a snapshot; the message has the problem and the remedy. */
export class SnapshotFault extends Error {
  readonly kind: FaultKind;
  readonly #problem: string;

  constructor(kind: FaultKind, problem: string) {
    super(`${problem}; ${remedies[kind]}`);
    this.name = 'SnapshotFault';
    this.kind = kind;
    this.#problem = problem;
  }

  /** The same fault, with the place where it is. */
  in(place: string): SnapshotFault {
    return new SnapshotFault(this.kind, `${place}: ${this.#problem}`);
  }
}

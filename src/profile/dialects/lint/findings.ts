import type { ConformanceFault } from '../../check/fault-list.ts';
import { FaultList } from '../../check/fault-list.ts';

/**
 * What a backend would make of data otherwise than the data says: `refused` costs more than what is at fault, `dropped` is
 * lost without a word, `misread` is shown as something else. Bounded like the faults of conformance.
 */
export class Findings {
  readonly #faults = new FaultList();
  readonly #keys = new Set<string>();

  refused(path: string, problem: string): void {
    this.#faults.add(path, `refused: ${problem}`);
  }

  dropped(path: string, problem: string): void {
    this.#faults.add(path, `dropped: ${problem}`);
  }

  misread(path: string, problem: string): void {
    this.#faults.add(path, `misread: ${problem}`);
  }

  /** Whether this is the first time that somebody asks for the key: for what would be said at every sample. */
  isFirst(key: string): boolean {
    const { size } = this.#keys;
    return this.#keys.add(key).size > size;
  }

  toArray(): ConformanceFault[] {
    return this.#faults.toArray();
  }
}

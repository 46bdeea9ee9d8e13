/** Rule that a payload breaks, with the place. Printed as `path: problem`. */
export interface ConformanceFault {
  /** Breadcrumbs, e.g. `resource_profiles[0]: scope_profiles[0]: profile[2]: sample[3]: stack_index`. */
  readonly path: string;
  /** E.g. `index 9 is out of range [0..4)`. */
  readonly problem: string;
}

/** Collects faults; keeps the first hundred and counts the rest, because one wrong table can break a rule at every sample. */
export class FaultList {
  readonly #faults: ConformanceFault[] = [];
  #count = 0;

  add(path: string, problem: string): void {
    this.#count++;
    if (this.#faults.length < maxFaults) this.#faults.push({ path, problem });
  }

  /** The faults in the order of their finding; one more at the end says how many were left out. */
  toArray(): ConformanceFault[] {
    const leftOut = this.#count - this.#faults.length;
    if (leftOut === 0) return [...this.#faults];
    return [...this.#faults, { path: 'conformance', problem: `${leftOut} more faults are not listed` }];
  }
}

const maxFaults = 100;

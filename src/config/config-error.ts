/** One fault in the user's configuration: where, what (with the value), and what to do about it. */
export interface ConfigProblem {
  readonly path: string;
  readonly problem: string;
  readonly remedy: string;
}

/** All faults of a configuration at once. */
export class ConfigError extends Error {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super(problems.map(({ path, problem, remedy }) => `${path}: ${problem}; ${remedy}.`).join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** One fault in the user's configuration: where, what (with the value), and what to do about it. */
export interface ConfigProblem {
  readonly path: string;
  readonly problem: string;
  readonly remedy: string;
}

/** All faults of a configuration at once, a line each. */
export class ConfigError extends Error {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super(problems.map(formatProblem).join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** `path: problem; remedy.`; a fault of the configuration as a whole has no path. */
export function formatProblem({ path, problem, remedy }: ConfigProblem): string {
  return `${path === '' ? '' : `${path}: `}${problem}; ${remedy}.`;
}

/** Unresolvable is the reason why a reference has no value. Caught where the path is known, and reported as a problem there. */
export class Unresolvable extends Error {
  readonly problem: string;
  readonly remedy: string;

  constructor(problem: string, remedy: string) {
    super(problem);
    this.problem = problem;
    this.remedy = remedy;
  }
}

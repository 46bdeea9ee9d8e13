/**
 * A sender's bytes or text are at fault: which field, what is wrong with its value, and what to do. The message is meant
 * for the sender's operator: `batch.frames[12].file_id: index 9 is out of range [0..4]; refer to an entry of the table`.
 */
export class InvalidMessage extends Error {
  /** Breadcrumbs to the field, e.g. `resource_profiles[0]: scope_profiles[0]: profiles[2]`; empty for the message itself. */
  readonly path: string;
  readonly problem: string;
  /** Empty where there is nothing to do but to keep to the schema. */
  readonly remedy: string;

  constructor(path: string, problem: string, remedy = '') {
    const fault = remedy === '' ? problem : `${problem}; ${remedy}`;
    super(path === '' ? fault : `${path}: ${fault}`);
    this.name = 'InvalidMessage';
    this.path = path;
    this.problem = problem;
    this.remedy = remedy;
  }

  /** The same fault, seen from the message around it. */
  within(segment: string): InvalidMessage {
    return new InvalidMessage(this.path === '' ? segment : `${segment}: ${this.path}`, this.problem, this.remedy);
  }
}

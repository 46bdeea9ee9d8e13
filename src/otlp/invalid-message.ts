/** The sender's bytes or text are not what the schema says. The message is `path: problem`. */
export class InvalidMessage extends Error {
  /** Breadcrumbs to the field, e.g. `resource_profiles[0]: scope_profiles[0]: profiles[2]`; empty for the message itself. */
  readonly path: string;
  readonly problem: string;

  constructor(path: string, problem: string) {
    super(path === '' ? problem : `${path}: ${problem}`);
    this.name = 'InvalidMessage';
    this.path = path;
    this.problem = problem;
  }

  /** The same fault, seen from the message around it. */
  within(segment: string): InvalidMessage {
    return new InvalidMessage(this.path === '' ? segment : `${segment}: ${this.path}`, this.problem);
  }
}

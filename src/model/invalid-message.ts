/**
 * A sender's bytes are at fault: which field, what is wrong with its value, and what to do. The message is meant for
 * the sender's operator: `batch.frames[12].file_id: index 9 is out of range [0..4]; refer to an entry of the table`.
 */
export class InvalidMessage extends Error {
  readonly path: string;
  readonly problem: string;
  readonly remedy: string;

  constructor(path: string, problem: string, remedy: string) {
    super(`${path}: ${problem}; ${remedy}`);
    this.name = 'InvalidMessage';
    this.path = path;
    this.problem = problem;
    this.remedy = remedy;
  }
}

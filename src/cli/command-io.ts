/** The world as a command sees it; tests pass their own. */
export interface CommandIo {
  readonly env: NodeJS.ProcessEnv;
  /** Text as given, without a newline of its own. */
  stdout(text: string): void;
  stderr(text: string): void;
  /** The text of a file; throws, as `fs.readFileSync` does, when it cannot. */
  readFile(path: string): string;
}

/** Every command's exit codes: 0, or one of these. */
export const exitCodes = { ok: 0, failure: 1, usage: 2 } as const;

/** Message of a caught value; its text where the value is no Error. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** First sentence of a message: `parseArgs` explains itself at length after it. */
export function firstSentenceOf(error: unknown): string {
  return messageOf(error).split('. ')[0]!;
}

/** Code of an error of Node.js or of the system, e.g. `ENOENT`; `undefined` for any other. */
export function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

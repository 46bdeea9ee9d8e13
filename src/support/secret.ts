import { inspect } from 'node:util';

/** Printed in place of a secret; the Collector's word. */
export const redacted = '[REDACTED]';

/** A text that prints as `[REDACTED]` in messages, JSON and logs; only `reveal` gives it away. */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return redacted;
  }

  toJSON(): string {
    return redacted;
  }
}

// Not a method of the class: its name cannot be written where declarations are made file by file.
Object.defineProperty(Secret.prototype, inspect.custom, { value: () => redacted });

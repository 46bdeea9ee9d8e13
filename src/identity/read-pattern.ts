import type { ConfigSection } from '../config/config-section.ts';
import { LinearRegExp } from '../support/linear-regexp.ts';

/** A regular expression of a configuration; `undefined` after a fault, which goes to the section. */
export function readPattern(section: ConfigSection, key: string, source: string): LinearRegExp | undefined {
  try {
    return new LinearRegExp(source);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    section.addProblem(key, `"${source}" is no expression in the language of RE2: ${error.message}`, 'correct it');
    return undefined;
  }
}

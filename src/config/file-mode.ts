import type { ConfigSection } from './config-section.ts';

/** Reads permissions of a file or directory, in octal as for `chmod`: `"0750"`. */
export function readFileMode(section: ConfigSection, key: string, fallback: string): number {
  const text = section.string(key, fallback);
  if (/^0?[0-7]{3}$/.test(text)) return Number.parseInt(text, 8);
  section.addProblem(key, `"${text}" is not an octal mode`, `write one such as "${fallback}"`);
  return Number.parseInt(fallback, 8);
}

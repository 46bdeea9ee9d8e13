import { converted, text } from './config-keys.ts';
import type { ConfigKey } from './config-table.ts';

/** Permissions of a file or directory, in octal as for `chmod`: `"0750"`. */
export function fileMode(key: string, { fallback }: { readonly fallback: string }, meaning: string): ConfigKey<number> {
  return converted(text(key, { fallback }, meaning), (mode, section) => {
    if (/^0?[0-7]{3}$/.test(mode)) return Number.parseInt(mode, 8);
    section.addProblem(key, `"${mode}" is not an octal mode`, `write one such as "${fallback}"`);
    return Number.parseInt(fallback, 8);
  });
}

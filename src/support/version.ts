import { readFileSync } from 'node:fs';

// Two folders up from here is the package, for src/support as well as for dist/support.
const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  readonly version: string;
  readonly description: string;
};

/** The package's version, e.g. `1.2.3`. */
export const version: string = manifest.version;

/** The package's description, one line. */
export const description: string = manifest.description;

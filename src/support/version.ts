import { readProgramFile } from './program-files.ts';

const manifest = JSON.parse(readProgramFile('../package.json').toString()) as {
  readonly version: string;
  readonly description: string;
};

/** The package's version, e.g. `1.2.3`. */
export const version: string = manifest.version;

/** The package's description, one line. */
export const description: string = manifest.description;

import type { Executable } from '../../src/model/executable.ts';

/** Nothing is known of the file; tests give it what they need. */
export const unknownExecutable: Executable = { fileName: '', gnuBuildId: '', goBuildId: '', hasHtlHash: false };

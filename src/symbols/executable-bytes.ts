import type { Executable } from '../model/executable.ts';
import { textBytes } from './string-pool.ts';

/** Measured: an Executable without its texts. */
const ownBytes = 64;

/** Memory that an executable takes. */
export function bytesOfExecutable(executable: Executable | undefined): number {
  if (executable === undefined) return 0;
  const { fileName, gnuBuildId, goBuildId } = executable;
  return ownBytes + textBytes(fileName) + textBytes(gnuBuildId) + textBytes(goBuildId);
}

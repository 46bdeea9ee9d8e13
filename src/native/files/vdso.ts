import { closeSync, openSync, readSync } from 'node:fs';
import { readText } from './process-maps.ts';

const maxVdsoBytes = 65_536;

/** The ELF file that the kernel maps into every process, out of this process's own memory; `undefined` where there is none. */
export function readVdso(procRoot: string): Buffer | undefined {
  try {
    const line = /^([0-9a-f]+)-([0-9a-f]+) .* \[vdso\]$/m.exec(readText(`${procRoot}/self/maps`));
    if (line === null) return undefined;
    const start = BigInt(`0x${line[1]!}`);
    const sizeBytes = Number(BigInt(`0x${line[2]!}`) - start);
    if (sizeBytes > maxVdsoBytes) return undefined;
    const image = Buffer.alloc(sizeBytes);
    const memory = openSync(`${procRoot}/self/mem`, 'r');
    try {
      return readSync(memory, image, 0, sizeBytes, start) === sizeBytes ? image : undefined;
    } finally {
      closeSync(memory);
    }
  } catch {
    return undefined;
  }
}

import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs';

// A string holds at most half a gigabyte, and what is read becomes several times its size.
const maxTextBytes = 256 * 1024 * 1024;

/** @throws Error that names the file when it cannot be read or has more than 256 MiB. */
export function readText(path: string): string {
  const { size } = statSync(path);
  if (size > maxTextBytes) throw new Error(`${path}: has ${size} bytes, more than 256 MiB; record for a shorter time.`);
  return readFileSync(path, 'utf8');
}

/** The first 4 KiB of a file. */
export function readHead(path: string): Buffer {
  const file = openSync(path, 'r');
  try {
    const head = Buffer.alloc(4096);
    return head.subarray(0, readSync(file, head, 0, head.length, 0));
  } finally {
    closeSync(file);
  }
}

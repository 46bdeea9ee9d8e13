import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import type { FileFormat } from './file-config.ts';

/** Bytes from the start of a file that are whole messages: its size, unless it ends in mid-message. */
export async function wholeSizeBytes(path: string, format: FileFormat): Promise<number> {
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    return format === 'json' ? await wholeLines(handle, size) : await wholeFrames(handle, size);
  } finally {
    await handle.close();
  }
}

/** Size of a file without a torn line; a torn file counts as empty, because its caller puts it aside as a whole. */
async function wholeLines(handle: FileHandle, size: number): Promise<number> {
  if (size === 0) return 0;
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
  return buffer[0] === 0x0a ? size : 0;
}

/** Hops from length to length: one small read a message. */
async function wholeFrames(handle: FileHandle, size: number): Promise<number> {
  const prefix = Buffer.alloc(4);
  let whole = 0;
  while (whole + 4 <= size) {
    await handle.read(prefix, 0, 4, whole);
    const end = whole + 4 + prefix.readUInt32BE();
    if (end > size) break;
    whole = end;
  }
  return whole;
}

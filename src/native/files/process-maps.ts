import { closeSync, openSync, readSync } from 'node:fs';

/** A part of a file that a process has mapped to run code from it. */
export interface CodeMapping {
  /** As in `/proc/PID/maps`, without leading zeros: the name in `map_files`. */
  readonly range: string;
  /** Device and inode as the line tells them. */
  readonly device: string;
  readonly inode: string;
  /** As the process sees it; of the kernel's own, `[vdso]`. */
  readonly path: string;
}

/** A process may have 65,530 mappings by default, each a line of about a hundred bytes. */
const maxMapsBytes = 16 * 1024 * 1024;

/** The mappings with code of a process, each file once. @throws what `open` of Node.js throws */
export function readCodeMappings(procRoot: string, pid: number): CodeMapping[] {
  const mappings = new Map<string, CodeMapping>();
  for (const line of readText(`${procRoot}/${pid}/maps`).split('\n')) {
    const mapping = parseLine(line);
    if (mapping !== undefined) mappings.set(`${mapping.device} ${mapping.inode} ${mapping.path}`, mapping);
  }
  return [...mappings.values()];
}

/** `start-end perms offset device inode path`, the path behind as many spaces as there are. */
function parseLine(line: string): CodeMapping | undefined {
  const match = /^0*([0-9a-f]+)-0*([0-9a-f]+) ..x. [0-9a-f]+ ([0-9a-f]+:[0-9a-f]+) (\d+) +(\S.*)$/.exec(line);
  if (match === null) return undefined;
  const [, start, end, device, inode, path] = match as unknown as [string, string, string, string, string, string];
  if (inode === '0' && path !== '[vdso]') return undefined;
  return { range: `${start}-${end}`, device, inode, path: path.replaceAll('\\012', '\n') };
}

/** Files of `/proc` have no size: they are read until they end. */
export function readText(path: string): string {
  const descriptor = openSync(path, 'r');
  try {
    const chunks: Buffer[] = [];
    for (let sizeBytes = 0; sizeBytes < maxMapsBytes; ) {
      const chunk = Buffer.allocUnsafe(65_536);
      const count = readSync(descriptor, chunk);
      if (count === 0) break;
      sizeBytes += count;
      chunks.push(chunk.subarray(0, count));
    }
    return Buffer.concat(chunks).toString();
  } finally {
    closeSync(descriptor);
  }
}

import type { BigIntStats } from 'node:fs';
import { closeSync, constants, fstatSync, openSync, readlinkSync } from 'node:fs';
import { FileSource } from './file-source.ts';

/** Linux's; a descriptor that names a file and reads nothing of it, so that devices and FIFOs do not notice. */
const pathOnly = 0o10000000;
const maxLinks = 40;
const maxComponents = 256;

/** An open regular file. Whoever has it closes it. */
export interface OpenFile {
  readonly source: FileSource;
  readonly stat: BigIntStats;
  close(): void;
}

/**
 * Opens a file of one's own file system, or one that the kernel leads to, following links; `undefined` unless it is a regular one of at
 * most `maxBytes`. @throws what `open` of Node.js throws
 */
export function openRegularFile(path: string, maxBytes: number): OpenFile | undefined {
  const place = openSync(path, pathOnly);
  try {
    return openPlace(place, maxBytes);
  } finally {
    closeSync(place);
  }
}

/**
 * Opens a file below a folder as a process that has the folder as its root would, and never one outside: links are read and followed by
 * hand, absolute ones and `..` end at the root. Node.js has no `openat2`. `undefined` unless the file is there and regular.
 * @throws what `open` of Node.js throws when the root itself cannot be opened
 */
export function openBelow(root: string, path: string, maxBytes: number): OpenFile | undefined {
  const walk = new RootWalk(openSync(root, pathOnly | constants.O_DIRECTORY));
  try {
    const place = walk.find(path);
    return place === undefined ? undefined : openPlace(place, maxBytes);
  } finally {
    walk.close();
  }
}

function openPlace(place: number, maxBytes: number): OpenFile | undefined {
  if (!fstatSync(place).isFile()) return undefined;
  const descriptor = openSync(`/proc/self/fd/${place}`, constants.O_RDONLY | constants.O_NONBLOCK);
  const stat = fstatSync(descriptor, { bigint: true });
  if (!stat.isFile() || stat.size > BigInt(maxBytes)) {
    closeSync(descriptor);
    return undefined;
  }
  return { source: new FileSource(descriptor, Number(stat.size)), stat, close: () => closeSync(descriptor) };
}

/** A walk from folder to folder below a root, each held open by a descriptor that only names it. */
class RootWalk {
  /** The root, and the folders down to the present one. */
  readonly #folders: number[];
  #found: number | undefined;

  constructor(root: number) {
    this.#folders = [root];
  }

  /** A descriptor that names the file; `undefined` when it is not there. It is closed with the walk. */
  find(path: string): number | undefined {
    const rest = path.split('/').reverse();
    let links = 0;
    for (let steps = 0; rest.length > 0 && steps < maxComponents; steps++) {
      const name = rest.pop()!;
      if (name === '' || name === '.') continue;
      if (name === '..') {
        this.#goUp();
        continue;
      }
      const parent = `/proc/self/fd/${this.#folders.at(-1)!}`;
      const next = openOrNothing(`${parent}/${name}`);
      if (next === undefined) return undefined;
      const stat = fstatSync(next);
      if (stat.isDirectory()) this.#folders.push(next);
      else if (stat.isSymbolicLink()) {
        closeSync(next);
        const target = readLink(`${parent}/${name}`);
        if (target === undefined || ++links > maxLinks) return undefined;
        if (target.startsWith('/')) this.#goToRoot();
        rest.push(...target.split('/').reverse());
      } else {
        this.#found = next;
        return rest.every((part) => part === '') ? next : undefined;
      }
    }
    return undefined;
  }

  close(): void {
    if (this.#found !== undefined) closeSync(this.#found);
    for (const folder of this.#folders) closeSync(folder);
  }

  #goUp(): void {
    if (this.#folders.length > 1) closeSync(this.#folders.pop()!);
  }

  #goToRoot(): void {
    while (this.#folders.length > 1) this.#goUp();
  }
}

function openOrNothing(path: string): number | undefined {
  try {
    return openSync(path, pathOnly | constants.O_NOFOLLOW);
  } catch {
    return undefined;
  }
}

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

import { closeSync, openSync, readSync } from 'node:fs';
import { basename } from 'node:path';
import type { ByteSource } from '../elf/byte-source.ts';
import { MemorySource } from '../elf/byte-source.ts';
import type { ElfFile } from '../elf/elf-file.ts';
import type { FileIdentity, WantedFile } from './file-identity.ts';
import { identify, isWanted } from './file-identity.ts';
import type { OpenFile } from './open-file.ts';
import { openBelow, openRegularFile } from './open-file.ts';
import { ProcessFiles } from './process-files.ts';
import type { CodeMapping } from './process-maps.ts';
import { baseNameOf, readCodeMappings, readText } from './process-maps.ts';

/** The reason for a file not found; of several, the most specific one: another build ID rather than no file at all. */
export type FileMiss = 'no_process' | 'no_permission' | 'build_id_differs' | 'not_elf' | 'too_large' | 'no_file';

export interface FoundFile {
  readonly elf: ElfFile;
  readonly source: ByteSource;
  /** `/proc/PID/root` of the process that maps the file; `undefined` for a file found elsewhere. */
  readonly root: string | undefined;
  /** As the process sees it; empty when unknown. */
  readonly path: string;
  close(): void;
}

export interface FileSearch {
  readonly procRoot: string;
  readonly debugDirectories: readonly string[];
  readonly maxFileBytes: number;
  /** True if the file may be opened at the path that the profile tells: on the command line, for files of this machine. */
  readonly hasOwnPaths?: boolean;
  /** Debug files that a debuginfod client fetched, each at `BUILD-ID/debuginfo`; `undefined` without such a client. */
  readonly debuginfodCache?: string | undefined;
  /** Mount of the kernel's `/sys`; that of this process by default. */
  readonly sysRoot?: string;
}

/** Identities of files that were looked at, by the mapping's line; in the order of their use. */
const maxIdentities = 4096;

/** Finds the file with a file ID among those that processes have mapped. By identity, never by path alone. */
export class FileFinder {
  readonly #search: FileSearch;
  readonly #processes: ProcessFiles;
  readonly #known = new Map<string, FileIdentity>();

  constructor(search: FileSearch) {
    this.#search = search;
    this.#processes = new ProcessFiles(search.procRoot);
  }

  /** Looks into the processes in turn, then into others that have a file of the name, then into the debug directories. */
  find(wanted: WantedFile, pids: readonly number[], nowMs: number): FoundFile | FileMiss {
    let miss: FileMiss = 'no_process';
    const tried = new Set<number>();
    // Whoever maps the file is asked for only if those that are known to do not help.
    for (const candidates of [() => pids, () => this.#processes.pidsOf(wanted.fileName, nowMs)]) {
      for (const pid of candidates()) {
        if (tried.has(pid)) continue;
        tried.add(pid);
        const found = this.#findInProcess(wanted, pid);
        if (typeof found !== 'string') return found;
        if (rankOf(found) > rankOf(miss)) miss = found;
      }
    }
    return this.#findByPath(wanted) ?? this.#findByBuildId(wanted) ?? miss;
  }

  #findInProcess(wanted: WantedFile, pid: number): FoundFile | FileMiss {
    const { procRoot } = this.#search;
    let mappings: readonly CodeMapping[];
    try {
      mappings = readCodeMappings(procRoot, pid);
    } catch (error) {
      return missOf(error);
    }
    const name = basename(wanted.fileName);
    const hasName = (mapping: CodeMapping): boolean => baseNameOf(mapping) === name;
    const inOrder = [...mappings.filter(hasName), ...mappings.filter((mapping) => !hasName(mapping))];
    let miss: FileMiss = 'no_file';
    for (const mapping of inOrder) {
      const found = this.#tryMapping(wanted, pid, mapping);
      if (typeof found === 'object') return found;
      // Of the other files of a process it says nothing that they are others.
      const isTelling = found === 'build_id_differs' ? hasName(mapping) : found !== undefined;
      if (isTelling && found !== undefined && rankOf(found) > rankOf(miss)) miss = found;
    }
    return miss;
  }

  #tryMapping(wanted: WantedFile, pid: number, mapping: CodeMapping): FoundFile | FileMiss | undefined {
    const key = `${mapping.device} ${mapping.inode} ${mapping.path}`;
    const known = this.#known.get(key);
    if (known !== undefined && !isWanted(known, wanted)) return 'build_id_differs';
    if (mapping.path === '[vdso]') return this.#tryVdso(wanted);
    const opened = this.#openMapping(pid, mapping);
    if (typeof opened === 'string') return opened;
    const read = identify(opened.source);
    if (read === undefined) {
      opened.close();
      // Fonts and archives are mapped as well, but seldom to run code.
      return undefined;
    }
    this.#remember(key, read.identity);
    if (!isWanted(read.identity, wanted)) {
      opened.close();
      return 'build_id_differs';
    }
    const { procRoot } = this.#search;
    const { elf } = read;
    return { elf, source: opened.source, root: `${procRoot}/${pid}/root`, path: mapping.path, close: opened.close };
  }

  /** The mapped inode itself, whatever its path leads to by now; or else by its path below the root of the process. */
  #openMapping(pid: number, { range, path }: CodeMapping): OpenFile | FileMiss {
    const { procRoot, maxFileBytes } = this.#search;
    try {
      return openRegularFile(`${procRoot}/${pid}/map_files/${range}`, maxFileBytes) ?? 'too_large';
    } catch {
      // Not permitted, or not mapped any more.
    }
    try {
      return openBelow(`${procRoot}/${pid}/root`, path, maxFileBytes) ?? 'no_file';
    } catch (error) {
      return missOf(error);
    }
  }

  /** The kernel's own page of code is the same for all processes. */
  #tryVdso(wanted: WantedFile): FoundFile | FileMiss | undefined {
    const image = readVdso(this.#search.procRoot);
    const source = image && new MemorySource(image);
    const read = source && identify(source);
    if (read === undefined || !isWanted(read.identity, wanted)) return undefined;
    return { elf: read.elf, source: source!, root: undefined, path: '[vdso]', close: () => {} };
  }

  #findByPath(wanted: WantedFile): FoundFile | undefined {
    const { hasOwnPaths = false } = this.#search;
    return hasOwnPaths && wanted.fileName.startsWith('/') ? this.#tryPath(wanted, wanted.fileName) : undefined;
  }

  #tryPath(wanted: WantedFile, path: string): FoundFile | undefined {
    const opened = orNothing(() => openRegularFile(path, this.#search.maxFileBytes));
    const read = opened && identify(opened.source);
    if (read !== undefined && isWanted(read.identity, wanted)) {
      return { elf: read.elf, source: opened!.source, root: '/', path, close: opened!.close };
    }
    opened?.close();
    return undefined;
  }

  /** A file that no process has mapped any more: in the debug directories, itself or what was stripped from it. */
  #findByBuildId(wanted: WantedFile): FoundFile | undefined {
    for (const path of pathsByBuildId(wanted, this.#search)) {
      const found = this.#tryPath(wanted, path);
      // The path in a debug directory or cache is no hint for finding the debug file.
      if (found !== undefined) return { ...found, root: undefined, path: '' };
    }
    return undefined;
  }

  #remember(key: string, identity: FileIdentity): void {
    this.#known.delete(key);
    this.#known.set(key, identity);
    if (this.#known.size > maxIdentities) this.#known.delete(this.#known.keys().next().value!);
  }
}

/** Places of a file that no process has mapped, itself or what was stripped from it. */
export function pathsByBuildId(
  { gnuBuildId }: WantedFile,
  { debugDirectories, debuginfodCache }: Pick<FileSearch, 'debugDirectories' | 'debuginfodCache'>,
): string[] {
  if (gnuBuildId.length < 4) return [];
  const paths = debugDirectories.flatMap((directory) => {
    const base = `${directory}/.build-id/${gnuBuildId.slice(0, 2)}/${gnuBuildId.slice(2)}`;
    return [base, `${base}.debug`];
  });
  return debuginfodCache === undefined ? paths : [...paths, cachedDebugFile(debuginfodCache, gnuBuildId)];
}

/** The place of a debug file in a cache of elfutils' layout. */
export function cachedDebugFile(cacheDirectory: string, gnuBuildId: string): string {
  return `${cacheDirectory}/${gnuBuildId}/debuginfo`;
}

/** By how much each says: a file that is there and differs, rather than one that is nowhere. */
const ranks: readonly FileMiss[] = [
  'no_process',
  'no_file',
  'not_elf',
  'too_large',
  'no_permission',
  'build_id_differs',
];

function rankOf(miss: FileMiss): number {
  return ranks.indexOf(miss);
}

/** The reason that an error of `open` tells. */
export function missOf(error: unknown): FileMiss {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EACCES' || code === 'EPERM') return 'no_permission';
  return code === 'ESRCH' ? 'no_process' : code === 'ENOENT' ? 'no_process' : 'no_file';
}

function orNothing<T>(open: () => T): T | undefined {
  try {
    return open();
  } catch {
    return undefined;
  }
}

const maxVdsoBytes = 65_536;

/** The ELF file that the kernel maps into every process, out of this process's own memory; `undefined` where there is none. */
function readVdso(procRoot: string): Buffer | undefined {
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

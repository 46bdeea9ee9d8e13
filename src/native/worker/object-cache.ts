import { existsSync } from 'node:fs';
import { readBuildIds } from '../elf/build-id.ts';
import type { ByteSource } from '../elf/byte-source.ts';
import type { ElfFile } from '../elf/elf-file.ts';
import { findSection } from '../elf/elf-file.ts';
import type { DebugFile } from '../files/debug-files.ts';
import { alternateBuildId, findAlternateFile, findDebugFile } from '../files/debug-files.ts';
import type { WantedFile } from '../files/file-identity.ts';
import { FileSource } from '../files/file-source.ts';
import type { FileMiss, FoundFile } from '../files/find-file.ts';
import { cachedDebugFile, FileFinder } from '../files/find-file.ts';
import { InflatedFiles } from '../files/inflate-to-file.ts';
import { SplitFileFinder } from '../files/split-files.ts';
import type { ObjectParts } from '../object-file.ts';
import { ObjectFile } from '../object-file.ts';
import type { WorkerOptions, WorkerStats } from './messages.ts';

/** A file with its tables, open as long as addresses of it are asked for. */
export class OpenObject {
  readonly object: ObjectFile;
  /** Build ID of the debug file, or of the file that dwz moved parts of one to, that was not found; empty if none is lacking. */
  readonly lackingDebugFile: string;
  readonly #sources: readonly ByteSource[];
  readonly #inflated: InflatedFiles;
  readonly #close: () => void;
  usedMs = 0;

  constructor(
    object: ObjectFile,
    lackingDebugFile: string,
    { inflated, sources, close }: { inflated: InflatedFiles; sources: readonly ByteSource[]; close: () => void },
  ) {
    this.object = object;
    this.lackingDebugFile = lackingDebugFile;
    this.#inflated = inflated;
    this.#sources = sources;
    this.#close = close;
  }

  get inflatedBytes(): number {
    return this.#inflated.sizeBytes;
  }

  get readBytes(): number {
    return this.#sources.reduce((sum, source) => sum + (source instanceof FileSource ? source.readBytes : 0), 0);
  }

  close(): void {
    this.#inflated.close();
    this.#close();
  }
}

/** Few: an open file keeps a container's file system from being unmounted. */
const maxOpenFiles = 16;

/** The files that were asked for last, within a bound on the memory of their tables. */
export class ObjectCache {
  readonly #options: WorkerOptions;
  readonly #finder: FileFinder;
  readonly #open = new Map<string, OpenObject>();

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#finder = new FileFinder(options.search);
  }

  /** The file, opened if need be; or why it is not to be had. */
  find(wanted: WantedFile, pids: readonly number[], nowMs: number): OpenObject | FileMiss {
    const key = `${wanted.fileId} ${wanted.gnuBuildId}`;
    let found = this.#open.get(key);
    if (found !== undefined && this.#hasArrived(found.lackingDebugFile)) {
      this.close(key);
      found = undefined;
    }
    if (found === undefined) {
      const file = this.#finder.find(wanted, pids, nowMs);
      if (typeof file === 'string') return file;
      found = this.#openObject(file);
    }
    // The order of the map is that of use.
    this.#open.delete(key);
    this.#open.set(key, found);
    found.usedMs = nowMs;
    return found;
  }

  /** Closes the files used longest ago until the others keep within the bounds, and those that nobody asks for. */
  trim(nowMs: number): void {
    const { maxTableBytes, idleMs } = this.#options;
    for (const [key, { usedMs }] of this.#open) {
      if (this.#open.size <= maxOpenFiles && this.#tableBytes <= maxTableBytes && nowMs - usedMs < idleMs) break;
      this.close(key);
    }
  }

  stats(readBytes: number): WorkerStats {
    const inflatedBytes = [...this.#open.values()].reduce((sum, open) => sum + open.inflatedBytes, 0);
    return { readBytes, tableBytes: this.#tableBytes, inflatedBytes };
  }

  get size(): number {
    return this.#open.size;
  }

  close(key: string): void {
    this.#open.get(key)?.close();
    this.#open.delete(key);
  }

  get #tableBytes(): number {
    return [...this.#open.values()].reduce((sum, { object }) => sum + object.sizeBytes, 0);
  }

  #lackingFile({ elf, debug, alternate }: ObjectParts): string {
    if (debug === undefined && !hasDebugInfo(elf)) return readBuildIds(elf).gnu;
    return alternate === undefined && this.#options.debugInfo !== 'names' ? alternateBuildId(debug ?? elf) : '';
  }

  /** True if a debug file that was not there before has been downloaded since. */
  #hasArrived(buildId: string): boolean {
    const { debuginfodCache } = this.#options.search;
    return buildId !== '' && debuginfodCache !== undefined && existsSync(cachedDebugFile(debuginfodCache, buildId));
  }

  #openObject(file: FoundFile): OpenObject {
    const { search, directory, maxInflatedBytes, debugInfo } = this.#options;
    const inflated = new InflatedFiles(directory, maxInflatedBytes);
    const debug = findDebugFile(file, search);
    const debugElf: ElfFile | undefined = debug?.elf;
    const alternate: DebugFile | undefined =
      debugInfo === 'names'
        ? undefined
        : findAlternateFile({ elf: debugElf ?? file.elf, path: file.path }, file, search);
    const splitFiles =
      debugInfo === 'inlines'
        ? new SplitFileFinder(file, search, () => new InflatedFiles(directory, maxInflatedBytes))
        : undefined;
    const parts = { elf: file.elf, debug: debugElf, alternate: alternate?.elf, splitFiles };
    const opened = [debug?.opened, alternate?.opened].filter((one) => one !== undefined);
    const close = (): void => {
      file.close();
      splitFiles?.close();
      for (const one of opened) one.close();
    };
    const sources = [file.source, ...opened.map(({ source }) => source)];
    const lackingDebugFile = this.#lackingFile(parts);
    return new OpenObject(new ObjectFile(parts, inflated.inflate), lackingDebugFile, { inflated, sources, close });
  }
}

function hasDebugInfo(elf: ElfFile): boolean {
  return findSection(elf, '.debug_info') !== undefined || findSection(elf, '.zdebug_info') !== undefined;
}

import { basename, dirname } from 'node:path';
import { codeOf } from '../../support/error-text.ts';
import type { SplitFile, SplitFiles } from '../dwarf/split-units.ts';
import { UnreadableBytes } from '../elf/byte-source.ts';
import { readElfFile } from '../elf/elf-file.ts';
import type { FileSearch, FoundFile } from './find-file.ts';
import type { InflatedFiles } from './inflate-to-file.ts';
import { openBelow } from './open-file.ts';

/**
 * Finds the files that a compiler left debug information in: at the path of compilation, or beside the executable; first in the file system of
 * the process, then in the debug directories, and in none of them outside. Paths come from the executable, which is not trusted.
 */
export class SplitFileFinder implements SplitFiles {
  readonly #file: Pick<FoundFile, 'root' | 'path'>;
  readonly #search: FileSearch;
  readonly #createInflated: () => InflatedFiles;
  #package: SplitFile | null | undefined;

  constructor(file: Pick<FoundFile, 'root' | 'path'>, search: FileSearch, createInflated: () => InflatedFiles) {
    this.#file = file;
    this.#search = search;
    this.#createInflated = createInflated;
  }

  *dwoFiles(dwoName: string, compilationDirectory: string): Generator<SplitFile> {
    const { path } = this.#file;
    const places = [dwoName.startsWith('/') ? dwoName : `${compilationDirectory}/${dwoName}`];
    if (path !== '') places.push(`${dirname(path)}/${basename(dwoName)}`);
    yield* this.#open(places);
  }

  get package(): SplitFile | undefined {
    if (this.#package === undefined) {
      const { path } = this.#file;
      const [first] = path === '' ? [] : this.#open([`${path}.dwp`, `/usr/lib/debug${path}.dwp`]);
      this.#package = first ?? null;
    }
    return this.#package ?? undefined;
  }

  close(): void {
    this.#package?.close();
    this.#package = undefined;
  }

  *#open(places: readonly string[]): Generator<SplitFile> {
    const { debugDirectories } = this.#search;
    const roots = this.#file.root === undefined ? debugDirectories : [this.#file.root, ...debugDirectories];
    for (const root of roots) {
      for (const place of places) {
        const file = this.#tryOpen(root, place);
        if (file !== undefined) yield file;
      }
    }
  }

  #tryOpen(root: string, place: string): SplitFile | undefined {
    const opened = orNothing(() => openBelow(root, place, this.#search.maxFileBytes));
    if (opened === undefined) return undefined;
    const elf = orNothing(() => readElfFile(opened.source));
    if (elf === undefined) {
      opened.close();
      return undefined;
    }
    const inflated = this.#createInflated();
    const close = (): void => {
      inflated.close();
      opened.close();
    };
    return { elf, inflate: inflated.inflate, close };
  }
}

function orNothing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof UnreadableBytes || codeOf(error) !== undefined) return undefined;
    throw error;
  }
}

import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { buildIdsIn } from '../elf/build-id.ts';
import { KernelSymbols } from '../tables/kallsyms.ts';
import type { WantedFile } from './file-identity.ts';
import type { FileMiss } from './find-file.ts';
import { missOf } from './find-file.ts';
import { readText } from './process-maps.ts';

/** A kernel with all its modules has some 12 MB of names. */
const maxKallsymsBytes = 32 * 1024 * 1024;

/** The functions of the running kernel that belong to a wanted file. */
export interface KernelFile {
  readonly symbols: KernelSymbols;
  /** The module whose functions alone are meant; `undefined` for the kernel with all that runs in it. */
  readonly module: string | undefined;
}

/**
 * Names of the running kernel and its modules, by the addresses of this boot: kept between requests, read anew where none was at hand.
 * A wanted file must have the build ID that the kernel tells of itself or of the module.
 */
export class KernelNames {
  readonly #procRoot: string;
  readonly #sysRoot: string;
  #symbols: KernelSymbols | undefined;
  #sizeBytes = 0;
  #usedMs = 0;

  constructor(procRoot: string, sysRoot = '/sys') {
    this.#procRoot = procRoot;
    this.#sysRoot = sysRoot;
  }

  /** Memory that the names take: their text, and 20 bytes a function. */
  get sizeBytes(): number {
    return this.#symbols === undefined ? 0 : this.#sizeBytes + 20 * this.#symbols.size;
  }

  /** `textStart` is the start of the wanted file in memory as the collector knows it; 0 when unknown. */
  find(wanted: WantedFile, textStart: number, nowMs: number): KernelFile | FileMiss {
    const module = this.#moduleOf(wanted);
    if (module === null) return 'build_id_differs';
    try {
      this.#symbols ??= this.#read();
    } catch (error) {
      return missOf(error);
    }
    this.#usedMs = nowMs;
    if (this.#symbols.size === 0) {
      this.forget();
      return 'no_permission';
    }
    // A kernel of the same build lies elsewhere after another boot.
    const isHere =
      textStart === 0 ||
      module !== undefined ||
      this.#symbols.textStarts.includes(BigInt.asUintN(64, BigInt(textStart)));
    return isHere ? { symbols: this.#symbols, module } : 'build_id_differs';
  }

  forget(): void {
    this.#symbols = undefined;
    this.#sizeBytes = 0;
  }

  /** Forgets the names when nobody asked for one since `sinceMs`. */
  trim(sinceMs: number): void {
    if (this.#usedMs < sinceMs) this.forget();
  }

  #read(): KernelSymbols {
    const kallsyms = readText(`${this.#procRoot}/kallsyms`, maxKallsymsBytes);
    this.#sizeBytes = kallsyms.length;
    let modules = '';
    try {
      modules = readText(`${this.#procRoot}/modules`);
    } catch {
      // A kernel without modules.
    }
    return new KernelSymbols(kallsyms, modules);
  }

  /** Name of the wanted module, `undefined` for the kernel itself, `null` for a file that does not run here. */
  #moduleOf({ gnuBuildId, fileName }: WantedFile): string | undefined | null {
    if (gnuBuildId === '') return null;
    if (buildIdIn(`${this.#sysRoot}/kernel/notes`) === gnuBuildId) return undefined;
    const module = basename(fileName)
      .replace(/\.ko(?:\.\w+)?$/, '')
      .replaceAll('-', '_');
    if (!/^\w+$/.test(module)) return null;
    const own = buildIdIn(`${this.#sysRoot}/module/${module}/notes/.note.gnu.build-id`);
    return own === gnuBuildId ? module : null;
  }
}

function buildIdIn(path: string): string {
  try {
    return buildIdsIn(readFileSync(path)).gnu;
  } catch {
    return '';
  }
}

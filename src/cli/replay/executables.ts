import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { pathOfFile } from '../../model/executable.ts';
import { fnv128a } from '../../model/file-id.ts';
import type { FrameSymbol } from '../../model/frame-symbol.ts';
import type { LoadSegment } from './elf-file.ts';
import { readElfFile } from './elf-file.ts';
import { RecordedNames } from './recorded-names.ts';

export interface RecordedExecutable {
  /** 32 hexadecimal digits. */
  readonly fileId: string;
  readonly fileIdIsHtlhash: boolean;
  /** Base name. */
  readonly fileName: string;
  /** Hexadecimal; empty when unknown. */
  readonly gnuBuildId: string;
  /** Empty when nobody knows: then file offsets count as addresses. */
  readonly loads: readonly LoadSegment[];
}

export interface RecordedKernel {
  readonly executable: RecordedExecutable;
  /** First address of the kernel's text, and the one after its last; both 0 when unknown. */
  readonly textStart: bigint;
  readonly textEnd: bigint;
}

/** The form of `executables.json`; addresses and sizes are hexadecimal text with `0x`. */
export interface ExecutableTable {
  /** By kernel release. */
  readonly kernels: Readonly<Record<string, { buildId: string; textStart: string; textSize: string }>>;
  /** By GNU build ID. */
  readonly executables: Readonly<Record<string, ExecutableEntry>>;
}

export interface ExecutableEntry {
  readonly fileName: string;
  readonly fileId: string;
  readonly fileIdIsHtlhash: boolean;
  readonly sizeBytes: number;
  /** Load segments, each as `fileOffset address fileSize memorySize flags`. */
  readonly loads: readonly string[];
}

const pageSize = 4096n;

/**
 * The files that a recording's processes had mapped. What was written down beside the recordings comes first, so that a
 * replay is the same on every machine; then a file of the same path and build ID on this one; then a guess: modern
 * linkers give a position-independent file's code the address of its file offset.
 */
export class Executables {
  readonly #table: ExecutableTable;
  readonly #known = new Map<string, RecordedExecutable>();
  readonly #scope: string;
  readonly #names: RecordedNames;

  /** `scope` is the recording's: a file without build ID is another one in another recording, whatever its path. */
  constructor(table: ExecutableTable, scope: string, names: RecordedNames = new RecordedNames({})) {
    this.#table = table;
    this.#scope = scope;
    this.#names = names;
  }

  /** The name at an address of an executable, if it was written down beside the recordings. */
  nameAt({ gnuBuildId }: RecordedExecutable, address: bigint): FrameSymbol | undefined {
    return gnuBuildId === '' ? undefined : this.#names.find(gnuBuildId, address);
  }

  find(mappedPath: string, buildId: string): RecordedExecutable {
    const path = pathOfFile(mappedPath);
    const key = buildId === '' ? path : buildId;
    let executable = this.#known.get(key);
    if (executable === undefined) {
      executable = this.#recorded(buildId) ?? onDisk(path, buildId) ?? this.#guessed(path, buildId);
      this.#known.set(key, executable);
    }
    return executable;
  }

  kernel(release: string): RecordedKernel {
    const { buildId = '', textStart = '0', textSize = '0' } = this.#table.kernels[release] ?? {};
    return this.kernelOf(buildId, BigInt(textStart), BigInt(textStart) + BigInt(textSize));
  }

  /** A kernel lies elsewhere after each boot (KASLR), and with it all addresses: then it is another file. */
  kernelOf(gnuBuildId: string, textStart: bigint, textEnd: bigint): RecordedKernel {
    const fileId = fnv128a(gnuBuildId === '' ? `kernel of ${this.#scope}` : gnuBuildId, String(textStart));
    const executable = { fileId, fileIdIsHtlhash: false, fileName: 'vmlinux', gnuBuildId, loads: [] };
    return { executable, textStart, textEnd };
  }

  #guessed(path: string, gnuBuildId: string): RecordedExecutable {
    const fileId = fnv128a(gnuBuildId === '' ? `${path} of ${this.#scope}` : gnuBuildId);
    return { fileId, fileIdIsHtlhash: false, fileName: basename(path), gnuBuildId, loads: [] };
  }

  #recorded(buildId: string): RecordedExecutable | undefined {
    const entry = this.#table.executables[buildId];
    if (entry === undefined) return undefined;
    const { fileId, fileIdIsHtlhash, fileName, loads } = entry;
    return { fileId, fileIdIsHtlhash, fileName, gnuBuildId: buildId, loads: loads.map(parseLoad) };
  }
}

/** Reads `executables.json`. */
export function readExecutableTable(file: string | URL): ExecutableTable {
  return JSON.parse(readFileSync(file, 'utf8')) as ExecutableTable;
}

/**
 * The ELF virtual address of a byte of the file. A mapping begins and ends on page borders, so the bytes that share
 * a page with a segment belong to it too; where two segments share a page, the executable one is meant.
 */
export function elfAddressOf({ loads }: RecordedExecutable, fileOffset: bigint): bigint {
  const inPages = loads.filter((load) => {
    const first = load.fileOffset - (load.fileOffset % pageSize);
    return first <= fileOffset && fileOffset < roundUp(load.fileOffset + load.fileSize);
  });
  const load = inPages.find(({ flags }) => flags.includes('x')) ?? inPages[0];
  return load === undefined ? fileOffset : fileOffset - load.fileOffset + load.address;
}

function parseLoad(text: string): LoadSegment {
  const [fileOffset, address, fileSize, memorySize, flags] = text.split(' ') as [
    string,
    string,
    string,
    string,
    string,
  ];
  return {
    fileOffset: BigInt(fileOffset),
    address: BigInt(address),
    fileSize: BigInt(fileSize),
    memorySize: BigInt(memorySize),
    flags,
  };
}

function roundUp(size: bigint): bigint {
  return ((size + pageSize - 1n) / pageSize) * pageSize;
}

function onDisk(path: string, gnuBuildId: string): RecordedExecutable | undefined {
  if (gnuBuildId === '' || !path.startsWith('/')) return undefined;
  const elf = readElfFile(path);
  if (elf?.gnuBuildId !== gnuBuildId) return undefined;
  return { fileId: elf.htlhash, fileIdIsHtlhash: true, fileName: basename(path), gnuBuildId, loads: elf.loads };
}

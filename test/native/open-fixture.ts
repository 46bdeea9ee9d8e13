import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { SplitFile, SplitFiles } from '../../src/native/dwarf/split-units.ts';
import { MemorySource } from '../../src/native/elf/byte-source.ts';
import type { ElfFile } from '../../src/native/elf/elf-file.ts';
import { readElfFile } from '../../src/native/elf/elf-file.ts';
import type { Inflate } from '../../src/native/elf/section-reader.ts';
import { inflateInMemory } from '../../src/native/elf/section-reader.ts';
import { identify } from '../../src/native/files/file-identity.ts';
import { ObjectFile } from '../../src/native/object-file.ts';

/** What llvm-symbolizer says of an address: innermost first, function, file, line and column. */
export interface Answer {
  readonly address: number;
  readonly frames: readonly (readonly [string, string, number, number])[];
}

const folder = join(import.meta.dirname, 'fixtures');

export const answers = JSON.parse(readFileSync(join(folder, 'answers.json'), 'utf8')) as Readonly<
  Record<string, readonly Answer[]>
>;

export function fixturePath(name: string): string {
  return join(folder, name);
}

export function fixtureBytes(name: string): Buffer {
  const bytes = readFileSync(fixturePath(name));
  return name.endsWith('.gz') ? gunzipSync(bytes) : bytes;
}

export function openElf(bytes: Uint8Array): ElfFile {
  return readElfFile(new MemorySource(bytes))!;
}

/** The names in one file, with a debug file beside it, and the one that dwz moved parts to. */
export function openObject(
  bytes: Uint8Array,
  debug?: Uint8Array,
  alternate?: Uint8Array,
  splitFiles?: SplitFiles,
): ObjectFile {
  const parts = {
    ...{ elf: openElf(bytes), debug: debug && openElf(debug), alternate: alternate && openElf(alternate) },
  };
  return new ObjectFile({ ...parts, splitFiles }, inflate);
}

const inflate: Inflate = (section) => Promise.resolve(inflateInMemory(section));

/** The files with split units of a program: `.dwo` files of these bytes, or the `.dwp` file beside it. */
export function splitFilesOf(name: string, change: (bytes: Buffer) => Buffer = (bytes) => bytes): SplitFiles {
  const open = (path: string): SplitFile[] => {
    if (!existsSync(fixturePath(path))) return [];
    const elf = identify(new MemorySource(change(fixtureBytes(path))))?.elf;
    return elf === undefined ? [] : [{ elf, inflate, close: () => {} }];
  };
  return { dwoFiles: (dwoName) => open(`split/${dwoName}`), package: open(`${name}.dwp`)[0] };
}

import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import { readBuildIds } from '../elf/build-id.ts';
import { ByteCursor } from '../elf/byte-cursor.ts';
import type { ByteSource } from '../elf/byte-source.ts';
import { UnreadableBytes } from '../elf/byte-source.ts';
import type { ElfFile } from '../elf/elf-file.ts';
import { findSection, readElfFile, sectionSource } from '../elf/elf-file.ts';
import type { FileSearch, FoundFile } from './find-file.ts';
import { cachedDebugFile } from './find-file.ts';
import type { OpenFile } from './open-file.ts';
import { openBelow, openRegularFile } from './open-file.ts';

export interface DebugFile {
  readonly elf: ElfFile;
  readonly opened: OpenFile;
  /** True when found in the file system of the process, false in a directory or cache of debug files. */
  readonly isInRoot: boolean;
}

/** A place where a debug file may be: in the file system of the process, or in one's own. */
interface Candidate {
  readonly root: string | undefined;
  readonly path: string;
}

/**
 * Finds the file with what was stripped from another one: by build ID, then by `.gnu_debuglink`; first in the file system of the process, then in
 * the debug directories. Its build ID must be the same; or its checksum, where there is no build ID.
 */
export function findDebugFile(file: FoundFile, search: FileSearch): DebugFile | undefined {
  const gnuBuildId = readBuildIds(file.elf).gnu;
  const link = readLink(file.elf);
  const byId = gnuBuildId.length < 4 ? [] : candidatesById(gnuBuildId, file, search);
  for (const candidate of byId) {
    const found = tryCandidate(candidate, search, (elf) => readBuildIds(elf).gnu === gnuBuildId);
    if (found !== undefined) return found;
  }
  if (link === undefined) return undefined;
  const isSame = (elf: ElfFile, source: ByteSource): boolean =>
    gnuBuildId === '' ? checksumOf(source) === link.checksum : readBuildIds(elf).gnu === gnuBuildId;
  for (const candidate of candidatesByLink(link.name, file, search)) {
    const found = tryCandidate(candidate, search, isSame);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Finds the file that dwz moved common parts of the debug information to: by the path and build ID in `.gnu_debugaltlink`. */
export function findAlternateFile(
  debug: { readonly elf: ElfFile; readonly path: string },
  file: FoundFile,
  search: FileSearch,
): DebugFile | undefined {
  const link = readAlternateLink(debug.elf);
  if (link === undefined) return undefined;
  const isSame = (elf: ElfFile): boolean => readBuildIds(elf).gnu === link.buildId;
  const byPath = [link.path.startsWith('/') ? link.path : `${dirname(debug.path)}/${link.path}`];
  const own = search.debugDirectories.map((directory) => `${directory}/.dwz/${link.path.split('/').at(-1)!}`);
  const candidates: Candidate[] = [
    ...byPath.flatMap((path) => (file.root === undefined ? [] : [{ root: file.root, path }])),
    ...candidatesById(link.buildId, file, search),
    ...[...byPath, ...own].map((path) => ({ root: undefined, path })),
  ];
  for (const candidate of candidates) {
    const found = tryCandidate(candidate, search, isSame);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Build ID of the file that dwz moved common parts of the debug information to; empty when there is none. */
export function alternateBuildId(elf: ElfFile): string {
  return readAlternateLink(elf)?.buildId ?? '';
}

function candidatesById(buildId: string, { root }: FoundFile, search: FileSearch): Candidate[] {
  const { debugDirectories, debuginfodCache } = search;
  const path = `.build-id/${buildId.slice(0, 2)}/${buildId.slice(2)}.debug`;
  const inRoot = root === undefined ? [] : [{ root, path: `usr/lib/debug/${path}` }];
  const own = debugDirectories.map((directory) => `${directory}/${path}`);
  if (debuginfodCache !== undefined) own.push(cachedDebugFile(debuginfodCache, buildId));
  return [...inRoot, ...own.map((place) => ({ root: undefined, path: place }))];
}

/** The places where GDB looks (https://sourceware.org/gdb/current/onlinedocs/gdb.html/Separate-Debug-Files.html). */
function candidatesByLink(name: string, { root, path }: FoundFile, { debugDirectories }: FileSearch): Candidate[] {
  if (path === '' || name.includes('/')) return [];
  const folder = dirname(path);
  const beside = [`${folder}/${name}`, `${folder}/.debug/${name}`, `usr/lib/debug${folder}/${name}`];
  const inRoot = root === undefined ? [] : beside.map((place) => ({ root, path: place }));
  return [
    ...inRoot,
    ...debugDirectories.map((directory) => ({ root: undefined, path: `${directory}${folder}/${name}` })),
  ];
}

function tryCandidate(
  { root, path }: Candidate,
  { maxFileBytes }: FileSearch,
  isSame: (elf: ElfFile, source: ByteSource) => boolean,
): DebugFile | undefined {
  let opened: OpenFile | undefined;
  try {
    opened = root === undefined ? openRegularFile(path, maxFileBytes) : openBelow(root, path, maxFileBytes);
    const elf = opened && readElfFile(opened.source);
    if (elf !== undefined && isSame(elf, opened!.source)) return { elf, opened: opened!, isInRoot: root !== undefined };
  } catch {
    // Not there, not readable, or damaged: as one that is not there.
  }
  opened?.close();
  return undefined;
}

/** `.gnu_debuglink`: a name, zeros up to a multiple of four, and a checksum. */
function readLink(elf: ElfFile): { name: string; checksum: number } | undefined {
  const section = findSection(elf, '.gnu_debuglink');
  try {
    const source = section && sectionSource(elf, section);
    if (source === undefined) return undefined;
    const cursor = new ByteCursor(source, 512);
    const name = cursor.text();
    cursor.seek(Math.ceil(cursor.position / 4) * 4);
    return name === '' ? undefined : { name, checksum: cursor.u32() };
  } catch (error) {
    if (error instanceof UnreadableBytes) return undefined;
    throw error;
  }
}

/** `.gnu_debugaltlink`: a path, and the rest is a build ID. */
function readAlternateLink(elf: ElfFile): { path: string; buildId: string } | undefined {
  const section = findSection(elf, '.gnu_debugaltlink');
  try {
    const source = section && sectionSource(elf, section);
    if (source === undefined) return undefined;
    const cursor = new ByteCursor(source, 512);
    const path = cursor.text();
    const length = source.sizeBytes - cursor.position;
    if (path === '' || length < 4 || length > 64) return undefined;
    return { path, buildId: Buffer.from(cursor.bytes(length)).toString('hex') };
  } catch (error) {
    if (error instanceof UnreadableBytes) return undefined;
    throw error;
  }
}

function checksumOf(source: ByteSource): number {
  const chunk = new Uint8Array(Math.min(1_048_576, source.sizeBytes));
  let checksum = 0;
  for (let at = 0; at < source.sizeBytes; at += chunk.length) {
    const part = chunk.subarray(0, Math.min(chunk.length, source.sizeBytes - at));
    source.read(part, at);
    checksum = crc32(part, checksum);
  }
  return checksum;
}

import type { ConfigSection } from '../config/config-section.ts';
import type { DebugInfoLevel } from './object-file.ts';

/** The processor `symbolizer`. */
export interface SymbolizerConfig {
  /** Whether executables and libraries are read for the names of native frames. */
  readonly native: boolean;
  readonly debugInfo: DebugInfoLevel;
  readonly demangle: boolean;
  readonly procRoot: string;
  readonly debugDirectories: readonly string[];
  /** Where decompressed debug sections are kept, in files without a name. Empty: the system's temporary directory. */
  readonly directory: string;
  /** Heap of the thread that reads files. */
  readonly maxMemoryMib: number;
  /** Symbol tables of the files that are open. */
  readonly maxTableBytes: number;
  /** Larger files are not opened. */
  readonly maxFileBytes: number;
  /** Decompressed sections of one file. */
  readonly maxInflatedBytes: number;
  /** Of one batch of addresses. */
  readonly timeoutMs: number;
  /** Addresses that wait. */
  readonly maxPending: number;
}

const mebibyte = 1024 * 1024;
const levels: readonly string[] = ['names', 'lines', 'inlines'];

export function readSymbolizerConfig(section: ConfigSection): SymbolizerConfig {
  const mib = (key: string, fallback: number, max: number): number =>
    mebibyte * section.integer(key, fallback, { min: 1, max });
  const config = {
    native: section.boolean('native', true),
    debugInfo: readLevel(section),
    demangle: section.boolean('demangle', true),
    procRoot: readDirectory(section, 'proc_root', '/proc'),
    debugDirectories: section.stringList('debug_directories', ['/usr/lib/debug']),
    directory: section.string('directory', ''),
    maxMemoryMib: section.integer('max_memory_mib', 96, { min: 32, max: 4096 }),
    maxTableBytes: mib('max_table_mib', 32, 4096),
    maxFileBytes: mib('max_file_mib', 4096, 1_048_576),
    maxInflatedBytes: mib('max_inflated_mib', 1024, 1_048_576),
    timeoutMs: section.durationMs('timeout', 10_000, { min: 100, max: 600_000 }),
    maxPending: section.integer('max_pending', 65_536, { min: 1, max: 16_777_216 }),
  };
  config.debugDirectories.forEach((directory, index) => {
    if (directory.startsWith('/')) return;
    section.addProblem(
      `debug_directories[${index}]`,
      `"${directory}" is no absolute path`,
      'write e.g. /usr/lib/debug',
    );
  });
  section.end();
  return config;
}

function readLevel(section: ConfigSection): DebugInfoLevel {
  const level = section.string('debug_info', 'inlines');
  if (levels.includes(level)) return level as DebugInfoLevel;
  section.addProblem('debug_info', `"${level}" is none of ${levels.join(', ')}`, 'write one of them');
  return 'inlines';
}

function readDirectory(section: ConfigSection, key: string, fallback: string): string {
  const path = section.string(key, fallback);
  if (path.startsWith('/')) return path.length > 1 ? path.replace(/\/+$/, '') : path;
  section.addProblem(key, `"${path}" is no absolute path`, `write e.g. ${fallback}`);
  return fallback;
}

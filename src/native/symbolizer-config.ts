import { tmpdir } from 'node:os';
import type { ProcessorType } from '../config/component-type.ts';
import {
  choice,
  converted,
  duration,
  flag,
  integer,
  integerOf,
  section,
  text,
  textList,
} from '../config/config-keys.ts';
import type { ConfigSection } from '../config/config-section.ts';
import type { ConfigOf, ValuesOf } from '../config/config-table.ts';
import { configTable } from '../config/config-table.ts';

const mebibyte = 1024 * 1024;
const upToATebibyte = { min: 1, max: 1_048_576 };

const debuginfodKeys = {
  urls: textList(
    'urls',
    { fallback: [] },
    'Base addresses of servers, asked in this order; they learn the build IDs of executables. None: nothing is downloaded.',
  ),
  cacheDirectory: text(
    'cache_directory',
    { fallback: '' },
    'Directory of downloaded files, laid out as that of elfutils, and needed where servers are named.',
  ),
  timeoutMs: duration(
    'timeout',
    { fallback: 30_000, min: 100, max: 3_600_000 },
    'Longest time for a debug file, all servers together; the names of its executable wait for it.',
  ),
  maxBytes: integerOf(
    mebibyte,
    'max_size_mib',
    { fallback: 1024, ...upToATebibyte },
    'Bound of one debug file, and of the cache after a download: files used longest ago are removed from it.',
  ),
};

const debuginfodTable = configTable({
  about: 'Downloads debug files that this node does not have from debuginfod servers.',
  keys: debuginfodKeys,
  check: checkDebuginfod,
});

const keys = {
  native: flag(
    'native',
    { fallback: true },
    'Names of native frames come from the executables and libraries that processes have mapped.',
  ),
  debugInfo: choice(
    'debug_info',
    { choices: ['names', 'lines', 'inlines'], fallback: 'inlines' },
    'Use of debug information: none (symbol tables alone), lines, or lines and inlined functions.',
  ),
  demangle: flag(
    'demangle',
    { fallback: true },
    'C++ and Rust names are demangled; the mangled one stays as system name.',
  ),
  procRoot: text('proc_root', { fallback: '/proc' }, "Mount of the host's `/proc`."),
  debugDirectories: textList(
    'debug_directories',
    { fallback: ['/usr/lib/debug'] },
    "Directories with debug files, by build ID or path; that of the process's own file system is always looked into.",
  ),
  directory: converted(
    text(
      'directory',
      { fallback: '' },
      "Directory of decompressed debug sections, in files without a name; empty is the system's temporary one.",
    ),
    (path) => path || tmpdir(),
  ),
  maxMemoryMib: integer(
    'max_memory_mib',
    { fallback: 96, min: 32, max: 4096 },
    'Bound of the heap of the thread that reads files; beyond it the thread is started anew, and the file left alone.',
  ),
  maxTableBytes: integerOf(
    mebibyte,
    'max_table_mib',
    { fallback: 32, min: 1, max: 4096 },
    'Bound of the symbol tables in memory.',
  ),
  maxFileBytes: integerOf(mebibyte, 'max_file_mib', { fallback: 4096, ...upToATebibyte }, 'Larger files are not read.'),
  maxInflatedBytes: integerOf(
    mebibyte,
    'max_inflated_mib',
    { fallback: 1024, ...upToATebibyte },
    'Bound of the decompressed debug sections of one file; beyond it, its symbol tables alone are used.',
  ),
  timeoutMs: duration(
    'timeout',
    { fallback: 30_000, min: 100, max: 600_000 },
    'Longest time for a batch of up to 1,000 addresses of one file; after it the file is left alone.',
  ),
  holdMs: duration(
    'hold',
    { fallback: 0, min: 0, max: 60_000 },
    'Longest time that an OTLP request which passes waits for names under way; 0 sends it at once, and names those that follow.',
  ),
  maxPending: integer(
    'max_pending',
    { fallback: 65_536, min: 1, max: 16_777_216 },
    'Bound of the addresses that wait.',
  ),
  debuginfod: section('debuginfod', debuginfodTable),
};

const table = configTable({
  about: "Names native frames from this node's own files, which needs access to the processes of others.",
  keys,
  check,
});

export type SymbolizerConfig = ConfigOf<typeof table>;

/** Processor `symbolizer`. */
export const symbolizerType: ProcessorType<SymbolizerConfig> = {
  kind: 'processor',
  type: 'symbolizer',
  aliases: [],
  stability: 'alpha',
  table,
};

function checkDebuginfod({ urls, cacheDirectory }: ValuesOf<typeof debuginfodKeys>, own: ConfigSection): void {
  for (const [index, url] of urls.entries()) {
    const { protocol = '', username = '' } = URL.parse(url) ?? {};
    if (/^https?:$/.test(protocol) && username === '') continue;
    own.addProblem(
      `urls[${index}]`,
      'it is no HTTP address without credentials',
      'write e.g. https://debuginfod.example.com',
    );
  }
  if (urls.length === 0 || cacheDirectory.startsWith('/')) return;
  const problem = cacheDirectory === '' ? 'is missing' : `"${cacheDirectory}" is no absolute path`;
  own.addProblem('cache_directory', problem, 'write e.g. /var/cache/framekeeper/debuginfod');
}

function check({ procRoot, debugDirectories }: ValuesOf<typeof keys>, section: ConfigSection): void {
  const checkPath = (key: string, path: string, example: string): void => {
    if (!path.startsWith('/')) section.addProblem(key, `"${path}" is no absolute path`, `write e.g. ${example}`);
  };
  checkPath('proc_root', procRoot, '/proc');
  for (const [index, path] of debugDirectories.entries()) {
    checkPath(`debug_directories[${index}]`, path, '/usr/lib/debug');
  }
}

import type { FrameSymbol } from '../../model/frame-symbol.ts';
import { codeEndAt } from '../elf/code-ranges.ts';
import { missOf } from '../files/find-file.ts';
import type { PerfMapFile } from '../files/perf-map-file.ts';
import { openPerfMap, perfMapEntries } from '../files/perf-map-file.ts';
import { readStartTicks } from '../files/process-identity.ts';
import type { ProcessMemory } from '../files/process-maps.ts';
import { readProcessMemory } from '../files/process-maps.ts';
import type { GeneratedCode } from '../tables/perf-map-search.ts';
import { PerfMapSearch } from '../tables/perf-map-search.ts';
import { parseRuntimeName, runtimeKind } from '../tables/runtime-names.ts';
import type { MemoryRequest, SymbolizeReply } from './messages.ts';

/** Names the generated code of a process from its perf map. Keeps nothing: the map is read once a request. */
export function nameGeneratedCode(procRoot: string, request: MemoryRequest): SymbolizeReply {
  const { id, process, knownVersion } = request;
  const map = openPerfMap(procRoot, process);
  if (typeof map === 'string') return { kind: 'missing', id, reason: map };
  try {
    if (map.version === knownVersion) return { kind: 'unchanged', id };
    const memory = readProcessMemory(procRoot, process.pid);
    const found = findCode(map, memory, request.addresses);
    // The process may have ended in the meantime, and its ID may be another one's.
    if (readStartTicks(procRoot, process.pid) !== map.process.startTicks)
      return { kind: 'missing', id, reason: 'no_process' };
    return replyOf(request, map, memory, found);
  } catch (error) {
    return { kind: 'missing', id, reason: missOf(error) };
  } finally {
    map.opened.close();
  }
}

/** Code by the map, at addresses that belong to no file. */
function findCode(
  map: PerfMapFile,
  { anonymous }: ProcessMemory,
  addresses: Float64Array,
): (GeneratedCode | undefined)[] {
  const search = new PerfMapSearch(addresses);
  for (const entry of perfMapEntries(map.opened)) search.add(entry);
  return search.found.map((code, index) => (codeEndAt(anonymous, addresses[index]!) < 0 ? undefined : code));
}

function replyOf(
  { id }: MemoryRequest,
  map: PerfMapFile,
  { files }: ProcessMemory,
  found: readonly (GeneratedCode | undefined)[],
): SymbolizeReply {
  const names = found.flatMap((code) => (code === undefined ? [] : [code.name]));
  const kind = runtimeKind(
    files.map(({ path }) => path),
    names,
  );
  const symbolOf = (name: string): FrameSymbol => {
    const { functionName, systemName, file, line } = parseRuntimeName(name, kind);
    // The line is that of the function, not that of the address.
    return { functionName, systemName, filePath: file, startLine: line, line: 0, column: 0, inlined: [] };
  };
  return {
    ...{ kind: 'answered', id, lackingDebugFile: '' },
    symbols: found.map((code) => code && symbolOf(code.name)),
    ranges: Float64Array.from(found.flatMap((code) => (code === undefined ? [0, 0] : [code.start, code.end]))),
    version: map.version,
    sources: { perf_map: names.length },
    stats: { readBytes: map.opened.source.readBytes, tableBytes: 0, inflatedBytes: 0 },
  };
}

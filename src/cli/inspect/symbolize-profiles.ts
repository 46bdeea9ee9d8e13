import { tmpdir } from 'node:os';
import type { Executable } from '../../model/executable.ts';
import type { FileId } from '../../model/file-id.ts';
import { formatFileId } from '../../model/file-id.ts';
import type { FrameSymbol } from '../../model/frame-symbol.ts';
import { SymbolizerWorker } from '../../native/worker/symbolizer-worker.ts';
import type { ProfilesData } from '../../otlp/profiles-data.ts';
import { ReferenceCheck } from '../../profile/check/reference-check.ts';
import { visitProfiles } from '../../profile/check/references.ts';
import { enrichProfiles } from '../../profile/names/enrich-profiles.ts';
import type { NamingSession } from '../../profile/names/location-naming.ts';
import { systemClock } from '../../support/clock.ts';

/** Outcome of naming the frames of a file of profiles from the executables of this machine. */
export interface SymbolizedProfiles {
  readonly data: readonly ProfilesData[];
  readonly named: number;
  /** Addresses without a name, by reason. */
  readonly unnamed: ReadonlyMap<string, number>;
}

/** Addresses of one file that lack a name. */
interface FileNeeds {
  readonly fileId: FileId;
  readonly executable: Executable;
  readonly addresses: Set<number>;
}

const batchSize = 1000;
const fileNamedTypes: ReadonlySet<string> = new Set(['', 'native', 'go', 'rust']);
const search = { procRoot: '/proc', debugDirectories: ['/usr/lib/debug'], maxFileBytes: 2 ** 42, hasOwnPaths: true };
const options = { debugInfo: 'inlines', demangle: true, maxTableBytes: 2 ** 26, maxInflatedBytes: 2 ** 32 } as const;

/**
 * Names the native frames of profiles from the executables of this machine: files at the paths that the profiles tell, of running
 * processes, and debug files, each only if its build ID or hash is the right one. Messages with broken references stay as they are.
 */
export async function symbolizeProfiles(messages: readonly ProfilesData[]): Promise<SymbolizedProfiles> {
  const sound = messages.map((data) => (isSound(data) ? data : undefined));
  const needs = new Map<string, FileNeeds>();
  for (const data of sound) if (data !== undefined) enrichProfiles(data, collecting(needs));
  const symbols = new Map<string, FrameSymbol>();
  const unnamed = new Map<string, number>();
  const worker = new SymbolizerWorker(
    { search, ...options, directory: tmpdir(), idleMs: 60_000 },
    { timeoutMs: 600_000, maxHeapMib: 512 },
    systemClock,
  );
  try {
    for (const need of needs.values()) await ask(worker, need, symbols, unnamed);
  } finally {
    await worker.stop();
  }
  const data = messages.map((message, index) =>
    sound[index] === undefined ? message : enrichProfiles(message, finding(symbols)).data,
  );
  return { data, named: symbols.size, unnamed };
}

async function ask(
  worker: SymbolizerWorker,
  { fileId, executable, addresses }: FileNeeds,
  symbols: Map<string, FrameSymbol>,
  unnamed: Map<string, number>,
): Promise<void> {
  const miss = (reason: string, count: number): void => void unnamed.set(reason, (unnamed.get(reason) ?? 0) + count);
  const sorted = Float64Array.from(addresses).sort();
  const { gnuBuildId, fileName } = executable;
  const file = { fileId: formatFileId(fileId), gnuBuildId, fileName };
  for (let at = 0; at < sorted.length; at += batchSize) {
    const batch = sorted.slice(at, at + batchSize);
    const reply = await worker.ask({ id: at, file, pids: [], addresses: batch });
    if (reply.kind === 'unchanged') continue;
    if (reply.kind !== 'answered') return miss(reply.reason, sorted.length - at);
    for (const [index, symbol] of reply.symbols.entries()) {
      if (symbol === undefined || symbol.functionName === '') miss('no_symbol', 1);
      else symbols.set(keyOf(fileId, batch[index]!), symbol);
    }
  }
}

function keyOf(fileId: FileId, address: number): string {
  return `${formatFileId(fileId)} ${address}`;
}

const knowsNothing: NamingSession = {
  learnExecutable: () => undefined,
  learnSymbol: () => undefined,
  openFile: () => undefined,
  reasonUnknown: () => 'never_submitted',
};

function collecting(needs: Map<string, FileNeeds>): NamingSession {
  return {
    ...knowsNothing,
    needNativeName: ({ fileId, executable }, high, low, frameType) => {
      if (!fileNamedTypes.has(frameType)) return;
      const key = formatFileId(fileId);
      const known = needs.get(key) ?? { fileId, executable, addresses: new Set() };
      known.addresses.add(high * 2 ** 32 + low);
      needs.set(key, known);
    },
  };
}

function finding(symbols: ReadonlyMap<string, FrameSymbol>): NamingSession {
  return {
    ...knowsNothing,
    openFile: (fileId) => ({ find: (high, low) => symbols.get(keyOf(fileId, high * 2 ** 32 + low)) }),
  };
}

function isSound(data: ProfilesData): boolean {
  const check = new ReferenceCheck(data.dictionary);
  let hasFault = false;
  visitProfiles(data, (profile) => {
    hasFault ||= check.faultOf(profile) !== undefined;
  });
  return !hasFault;
}

import type { Meter } from '@opentelemetry/api';
import type { Logger } from 'pino';
import type { Clock } from '../support/clock.ts';
import { DebuginfodClient } from './files/debuginfod.ts';
import type { NameSink } from './native-symbolizer.ts';
import { NativeSymbolizer } from './native-symbolizer.ts';
import type { SymbolizerConfig } from './symbolizer-config.ts';
import { createSymbolizerMetrics } from './symbolizer-metrics.ts';
import { SymbolizerWorker } from './worker/symbolizer-worker.ts';

export interface SymbolizerDependencies {
  readonly sink: NameSink;
  readonly meter: Meter;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A file that nobody asks for is closed, and its tables are dropped. */
const idleMs = 30_000;

/** Processor `symbolizer` with the thread that it reads files in. */
export function createSymbolizer(
  id: string,
  config: SymbolizerConfig,
  { sink, meter, clock, logger }: SymbolizerDependencies,
): NativeSymbolizer {
  const { procRoot, debugDirectories, maxFileBytes, debugInfo, demangle, directory, maxTableBytes, maxInflatedBytes } =
    config;
  const { urls, cacheDirectory } = config.debuginfod;
  const debuginfodCache = urls.length === 0 ? undefined : cacheDirectory;
  const search = { procRoot, debugDirectories, maxFileBytes, debuginfodCache };
  const options = { search, debugInfo, demangle, directory, maxTableBytes, maxInflatedBytes, idleMs };
  const limits = { timeoutMs: config.timeoutMs, maxHeapMib: config.maxMemoryMib };
  const worker = new SymbolizerWorker(options, limits, clock);
  const metrics = createSymbolizerMetrics(meter, () => symbolizer.pending);
  const debuginfod =
    urls.length === 0 ? undefined : new DebuginfodClient(config.debuginfod, { clock, logger, metrics });
  const parts = { worker, sink, metrics, clock, logger, debuginfod, maxPending: config.maxPending };
  const symbolizer: NativeSymbolizer = new NativeSymbolizer(id, parts);
  return symbolizer;
}

import type { ConfigSection } from '../../config/config-section.ts';

/** Section `snapshot` of the processor `symbol_store`. */
export interface SnapshotConfig {
  readonly path: string;
  /** Between two snapshots. */
  readonly intervalMs: number;
  /** A larger file is neither written nor read. */
  readonly maxBytes: number;
}

const mebibyte = 1024 * 1024;

/** `undefined` when there is no such section, or its path is empty, as a variable that is not set leaves it. */
export function readSnapshotConfig(store: ConfigSection): SnapshotConfig | undefined {
  const section = store.optionalSection('snapshot');
  if (section === undefined) return undefined;
  const path = section.has('path') ? section.string('path', '') : section.requiredString('path', 'the path of a file');
  const config = {
    path,
    intervalMs: section.durationMs('interval', 300_000, { min: 1000, max: 86_400_000 }),
    maxBytes: section.integer('max_size_mib', 512, { min: 1, max: 16_384 }) * mebibyte,
  };
  section.end();
  return path === '' ? undefined : config;
}

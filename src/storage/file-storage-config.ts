import type { ComponentType } from '../config/component-type.ts';
import type { ConfigSection } from '../config/config-section.ts';
import { readFileMode } from '../config/file-mode.ts';

/** `extensions.file_storage`, with the Collector's keys and defaults, and a bound. */
export interface FileStorageConfig {
  /** Path of the section, for messages about what cannot be used. */
  readonly section: string;
  readonly directory: string;
  readonly createDirectory: boolean;
  /** Permissions of a directory that is created. */
  readonly directoryMode: number;
  /** How long to wait for another process that has the directory. */
  readonly timeoutMs: number;
  /** Whether a request is taken only once it is on the disk itself: survives a power cut, and waits for the disk. */
  readonly isSynced: boolean;
  /** Bound on the disk space of each sending queue and each journal in the storage. */
  readonly maxBytes: number;
}

export const fileStorageType: ComponentType<FileStorageConfig> = {
  kind: 'extension',
  type: 'file_storage',
  aliases: [],
  stability: 'alpha',
  read: readFileStorageConfig,
};

/**
 * Reads a `file_storage` extension. Source:
 * https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/extension/storage/filestorage
 */
export function readFileStorageConfig(section: ConfigSection): FileStorageConfig {
  const config = {
    section: section.path,
    directory: section.string('directory', '/var/lib/otelcol/file_storage'),
    createDirectory: section.boolean('create_directory', false),
    directoryMode: readFileMode(section, 'directory_permissions', '0750'),
    timeoutMs: section.durationMs('timeout', 1_000, { min: 0 }),
    isSynced: section.boolean('fsync', false),
    maxBytes: section.integer('max_size_mib', 1_024, { min: 1, max: 1 << 20 }) * 1024 * 1024,
  };
  if (config.directory === '') section.addProblem('directory', 'is empty', 'write the path of a directory');
  if (section.has('compaction')) {
    section.addProblem('compaction', 'is set, but files are deleted as soon as nothing in them is needed', 'remove it');
  }
  section.end();
  return config;
}

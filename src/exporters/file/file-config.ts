import type { ComponentType } from '../../config/component-type.ts';
import type { ConfigSection } from '../../config/config-section.ts';
import { readFileMode } from '../../config/file-mode.ts';
import type { DialectName } from '../../profile/dialects/dialect.ts';
import type { Compression } from '../compression.ts';
import { readCompressionLevel } from '../compression.ts';
import { readDialect } from '../dialect-exporter.ts';
import type { RetryConfig } from '../retry-config.ts';
import { readRetryConfig } from '../retry-config.ts';
import type { SendingQueueConfig } from '../sending-queue-config.ts';
import { readSendingQueueConfig } from '../sending-queue-config.ts';

export interface FileConfig {
  /** Which backend profiles are written for. */
  readonly dialect: DialectName;
  /** Path of the section, for messages about what cannot be written. */
  readonly section: string;
  /** A file, or with layout `per_message` a folder. */
  readonly path: string;
  readonly format: FileFormat;
  /** Each message is a frame of its own, so that a file of them is a file that `zstd` and `gzip` read. */
  readonly compression: Compression;
  /** Unused without compression. */
  readonly compressionLevel: number;
  /** All messages in one file, or each in a file of its own. */
  readonly layout: 'stream' | 'per_message';
  /**
   * Layout `stream`: what becomes of a file that is there at start. By default it is emptied; with rotation it is written on,
   * as in the Collector, or put aside if its end could not be told because it is compressed.
   */
  readonly existingFile: 'emptied' | 'appended' | 'put_aside';
  readonly createDirectory: boolean;
  /** Permissions of directories that are made, of which the umask is taken off. */
  readonly directoryMode: number;
  readonly rotation: RotationConfig | undefined;
  readonly retry: RetryConfig;
  readonly queue: SendingQueueConfig;
}

/** `json`: one document a line. `proto`: each message after its length as 4 bytes, big-endian. Both as the Collector's. */
export type FileFormat = 'json' | 'proto';

export interface RotationConfig {
  /** Layout `stream`: a message that would make the file larger begins a new one. */
  readonly maxSizeBytes: number;
  /** Layout `stream`: a message that comes later than this after the first of its file begins a new one; 0 = never. */
  readonly maxAgeMs: number;
  /** Finished files that are kept, newest first; 0 = all. With layout `per_message`, all files are. */
  readonly maxBackups: number;
  /** How long finished files are kept, from the time in their names on; 0 = for ever. */
  readonly maxBackupAgeMs: number;
}

export const fileExporterType: ComponentType<FileConfig> = {
  kind: 'exporter',
  type: 'file',
  aliases: [],
  stability: 'alpha',
  read: readFileConfig,
};

/**
 * Reads a `file` exporter, by the keys of
 * https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/exporter/fileexporter and `layout`.
 */
export function readFileConfig(section: ConfigSection): FileConfig {
  const layout = section.oneOf('layout', 'stream', ['stream', 'per_message']);
  const rotation = section.optionalSection('rotation');
  const compression = section.oneOf('compression', 'none', ['none', 'zstd', 'gzip']);
  const hasAppend = section.has('append');
  const append = section.boolean('append', rotation !== undefined && layout === 'stream' && compression === 'none');
  const config: FileConfig = {
    dialect: readDialect(section),
    section: section.path,
    path: section.string('path', ''),
    format: section.oneOf('format', 'json', ['json', 'proto']),
    compression,
    compressionLevel: readCompressionLevel(section.section('compression_params'), compression),
    layout,
    existingFile: append ? 'appended' : rotation !== undefined && !hasAppend ? 'put_aside' : 'emptied',
    createDirectory: section.boolean('create_directory', false),
    directoryMode: readFileMode(section, 'directory_permissions', '0755'),
    rotation: rotation && readRotation(rotation, layout),
    retry: readRetryConfig(section.section('retry_on_failure')),
    // One consumer, so that messages are written in the order of reporting cycles.
    queue: readSendingQueueConfig(section.section('sending_queue'), 1),
  };
  section.end();
  if (config.path === '') section.addProblem('path', 'is empty', 'write the path of a file');
  if (append && layout === 'per_message') {
    section.addProblem('append', 'is true, but layout per_message never empties a folder', 'remove it');
  } else if (append && compression !== 'none') {
    section.addProblem('append', 'is true, but where a compressed file ends cannot be told after a crash', 'remove it');
  }
  return config;
}

function readRotation(section: ConfigSection, layout: FileConfig['layout']): RotationConfig {
  const grows = ['max_megabytes', 'max_age'].filter((key) => section.has(key));
  const config = {
    maxSizeBytes: section.integer('max_megabytes', 100, { min: 1 }) * 1024 * 1024,
    maxAgeMs: section.durationMs('max_age', 0, { min: 0 }),
    maxBackups: section.integer('max_backups', 100, { min: 0 }),
    maxBackupAgeMs: section.integer('max_days', 0, { min: 0, max: 36_500 }) * msPerDay,
  };
  section.end();
  if (layout === 'per_message') {
    for (const key of grows) {
      section.addProblem(key, 'is set, but layout per_message has no file that grows', 'use max_backups or max_days');
    }
  }
  return config;
}

const msPerDay = 86_400_000;

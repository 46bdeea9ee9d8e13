import type { ComponentType } from '../../config/component-type.ts';
import type { ConfigSection } from '../../config/config-section.ts';
import type { DialectName } from '../../otlp/dialects/dialect.ts';
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
  /** All messages in one file, or each in a file of its own. */
  readonly layout: 'stream' | 'per_message';
  /**
   * Layout `stream`: whether to write on behind what the file has; otherwise it is emptied at start. The default is true
   * with rotation, as in the Collector.
   */
  readonly append: boolean;
  readonly createDirectory: boolean;
  readonly rotation: RotationConfig | undefined;
  readonly retry: RetryConfig;
  readonly queue: SendingQueueConfig;
}

/** `json`: one document a line. `proto`: each message after its length as 4 bytes, big-endian. Both as the Collector's. */
export type FileFormat = 'json' | 'proto';

export interface RotationConfig {
  /** Layout `stream`: a message that would make the file larger begins a new one. */
  readonly maxSizeBytes: number;
  /** Finished files that are kept, newest first; 0 = all. With layout `per_message`, all files are. */
  readonly maxBackups: number;
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
  const config: FileConfig = {
    dialect: readDialect(section),
    section: section.path,
    path: section.string('path', ''),
    format: section.oneOf('format', 'json', ['json', 'proto']),
    layout,
    append: section.boolean('append', rotation !== undefined && layout === 'stream'),
    createDirectory: section.boolean('create_directory', false),
    rotation: rotation && readRotation(rotation, layout),
    retry: readRetryConfig(section.section('retry_on_failure')),
    // One consumer, so that messages are written in the order of reporting cycles.
    queue: readSendingQueueConfig(section.section('sending_queue'), 1),
  };
  section.end();
  if (config.path === '') section.addProblem('path', 'is empty', 'write the path of a file');
  if (config.append && layout === 'per_message') {
    section.addProblem('append', 'is true, but layout per_message never empties a folder', 'remove it');
  }
  return config;
}

function readRotation(section: ConfigSection, layout: FileConfig['layout']): RotationConfig {
  const hasSize = section.has('max_megabytes');
  const config = {
    maxSizeBytes: section.integer('max_megabytes', 100, { min: 1 }) * 1024 * 1024,
    maxBackups: section.integer('max_backups', 100, { min: 0 }),
  };
  section.end();
  if (hasSize && layout === 'per_message') {
    section.addProblem('max_megabytes', 'is set, but layout per_message has no file that grows', 'use max_backups');
  }
  return config;
}

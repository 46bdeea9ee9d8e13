import {
  choice,
  duration,
  fileMode,
  flag,
  ifPresent,
  integer,
  integerOf,
  optionalSection,
  section,
  text,
} from '../../config/config-keys.ts';
import type { ConfigSection } from '../../config/config-section.ts';
import type { ConfigOf } from '../../config/config-table.ts';
import { configTable } from '../../config/config-table.ts';
import { warnOfLostOutage } from '../backend-checks.ts';
import { compressionParamsTable, readCompressionLevel } from '../compression.ts';
import { retryTable } from '../retry-config.ts';
import { orderedQueueTable } from '../sending-queue-config.ts';
import { dialectKey, dialectOptionsKey } from '../shared-keys.ts';

/** `json`: one document a line. `proto`: each message after its length as 4 bytes, big-endian. Both as the Collector's. */
export type FileFormat = 'json' | 'proto';

const mebibyte = 1024 * 1024;
const msPerDay = 86_400_000;

const rotationTable = configTable({
  about: 'Finished files are kept beside the current one.',
  keys: {
    /** Layout `stream`: a message that would make the file larger begins a new one. */
    maxSizeBytes: integerOf(
      mebibyte,
      'max_megabytes',
      { fallback: 100, min: 1 },
      'Layout `stream`: largest size of a file in MiB.',
    ),
    /** Layout `stream`: counted from the first message of the file; 0 = never. */
    maxAgeMs: duration(
      'max_age',
      { fallback: 0, min: 0 },
      'Layout `stream`: a message that comes later than this after the first of its file begins a new file; `0s` never does.',
    ),
    /** Newest first; 0 = all. With layout `per_message`, all files are finished. */
    maxBackups: integer(
      'max_backups',
      { fallback: 100, min: 0 },
      'Finished files that are kept, newest first; 0 keeps all.',
    ),
    /** Counted from the time in their names on; 0 = for ever. */
    maxBackupAgeMs: integerOf(
      msPerDay,
      'max_days',
      { fallback: 0, min: 0, max: 36_500 },
      'Days for which finished files are kept; 0 keeps them for ever.',
    ),
  },
});

export type RotationConfig = ConfigOf<typeof rotationTable>;

/** Exporter `file`. */
export const fileTable = configTable(
  {
    about: 'Writes profiles to a file, or each message to a file of its own.',
    source: 'https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/exporter/fileexporter',
    keys: {
      path: text('path', { fallback: '' }, 'The file, or with layout `per_message` the folder. Required.'),
      dialect: dialectKey,
      dialectOptions: dialectOptionsKey,
      format: choice(
        'format',
        { choices: ['json', 'proto'], fallback: 'json' },
        '`json`: one document a line. `proto`: each message after its length as 4 bytes, big-endian.',
      ),
      /** Each message is a frame of its own, so that a file of them is a file that `zstd` and `gzip` read. */
      compression: choice(
        'compression',
        { choices: ['none', 'zstd', 'gzip'], fallback: 'none' },
        'Compression of each message.',
      ),
      params: section('compression_params', compressionParamsTable),
      layout: choice(
        'layout',
        { choices: ['stream', 'per_message'], fallback: 'stream' },
        'All messages in one file, or each in a file of its own.',
      ),
      append: ifPresent(
        flag(
          'append',
          { fallback: false },
          'A file that is there at start is written on, instead of emptied. By default with `rotation`, where the file is not compressed.',
        ),
      ),
      createDirectory: flag(
        'create_directory',
        { fallback: false },
        'The folder of the file is made where it is missing.',
      ),
      /** The umask is taken off. */
      directoryMode: fileMode(
        'directory_permissions',
        { fallback: '0755' },
        'Permissions of folders that are made, in octal.',
      ),
      rotation: optionalSection('rotation', rotationTable),
      retry: section('retry_on_failure', retryTable),
      // One consumer, so that messages are written in the order of reporting cycles.
      queue: section('sending_queue', orderedQueueTable),
    },
  },
  ({ append: written, params, ...values }, own) => {
    const { path, layout, compression, rotation } = values;
    const append = written ?? (rotation !== undefined && layout === 'stream' && compression === 'none');
    own.noteDefault('append', append);
    if (path === '') own.addProblem('path', 'is empty', 'write the path of a file');
    warnOfLostOutage(own, values);
    if (append) refuseAppend(own, values);
    if (rotation !== undefined && layout === 'per_message') refuseGrowth(own.section('rotation'));
    return {
      ...values,
      /** Path of the section, for messages about files that cannot be written. */
      section: own.path,
      /** Unused without compression. */
      compressionLevel: readCompressionLevel(own, compression),
      /** Layout `stream`: a compressed file whose end cannot be told is put aside. */
      existingFile: append ? 'appended' : rotation !== undefined && written === undefined ? 'put_aside' : 'emptied',
    } as const;
  },
);

export type FileConfig = ConfigOf<typeof fileTable>;

function refuseAppend(own: ConfigSection, { layout, compression }: Pick<FileConfig, 'layout' | 'compression'>): void {
  if (layout === 'per_message') {
    own.addProblem('append', 'is true, but layout per_message never empties a folder', 'remove it');
  } else if (compression !== 'none') {
    own.addProblem('append', 'is true, but where a compressed file ends cannot be told after a crash', 'remove it');
  }
}

function refuseGrowth(rotation: ConfigSection): void {
  for (const key of ['max_megabytes', 'max_age'].filter((each) => rotation.has(each))) {
    rotation.addProblem(key, 'is set, but layout per_message has no file that grows', 'use max_backups or max_days');
  }
}

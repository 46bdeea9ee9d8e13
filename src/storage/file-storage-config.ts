import { converted, duration, fileMode, flag, integerOf, text } from '../config/config-keys.ts';
import type { ConfigOf } from '../config/config-table.ts';
import { configTable } from '../config/config-table.ts';

/** Extension `file_storage`, with the Collector's keys and defaults, and a bound. */
export const fileStorageTable = configTable(
  {
    about: 'Keeps sending queues and journals on disk.',
    source: 'https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/extension/storage/filestorage',
    keys: {
      directory: converted(
        text(
          'directory',
          { fallback: '/var/lib/otelcol/file_storage' },
          'The directory; one process can use it at a time.',
        ),
        (directory, own) => {
          if (directory === '') own.addProblem('directory', 'is empty', 'write the path of a directory');
          return directory;
        },
      ),
      createDirectory: flag('create_directory', { fallback: false }, 'The directory is made where it is missing.'),
      directoryMode: fileMode(
        'directory_permissions',
        { fallback: '0750' },
        'Permissions of a directory that is made, in octal.',
      ),
      timeoutMs: duration(
        'timeout',
        { fallback: 1_000, min: 0 },
        'Time to wait for another process that has the directory.',
      ),
      /** Survives a power cut, and waits for the disk. */
      isSynced: flag(
        'fsync',
        { fallback: false },
        'A request is taken only once it is on the disk itself: it survives a power cut, and waits for the disk.',
      ),
      maxBytes: integerOf(
        1024 * 1024,
        'max_size_mib',
        { fallback: 1_024, min: 1, max: 1 << 20 },
        'MiB on disk of each sending queue and each journal.',
      ),
    },
    refused: { compaction: ['is set, but files are deleted as soon as nothing in them is needed', 'remove it'] },
  },
  /** `section` is the path of the section, for messages about files. */
  (values, { path: section }) => ({ ...values, section }),
);

export type FileStorageConfig = ConfigOf<typeof fileStorageTable>;

import { converted, duration, integerOf, text } from '../../config/config-keys.ts';
import type { ConfigOf } from '../../config/config-table.ts';
import { configTable } from '../../config/config-table.ts';

const mebibyte = 1024 * 1024;

/** Section `snapshot` of the processor `symbol_store`. */
export const snapshotTable = configTable({
  about: 'A file that keeps the store over a restart.',
  keys: {
    path: converted(
      text(
        'path',
        { fallback: '' },
        'The file. Required; an empty text, as a variable that is not set leaves it, is no snapshot.',
      ),
      (path, section) => (section.has('path') ? path : section.requiredString('path', 'the path of a file')),
    ),
    intervalMs: duration('interval', { fallback: 300_000, min: 1000, max: 86_400_000 }, 'Time between two snapshots.'),
    /** A larger file is neither written nor read. */
    maxBytes: integerOf(
      mebibyte,
      'max_size_mib',
      { fallback: 512, min: 1, max: 16_384 },
      'Largest file in MiB; a larger one is neither written nor read.',
    ),
  },
});

export type SnapshotConfig = ConfigOf<typeof snapshotTable>;

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfigProblem } from '../../src/config/config-error.ts';
import { ConfigError } from '../../src/config/config-error.ts';
import { ConfigSection } from '../../src/config/config-section.ts';
import { fileStorageTable } from '../../src/storage/file-storage-config.ts';

test('file_storage has the defaults of the Collector, and a bound of 1 GiB', () => {
  assert.deepEqual(fileStorageTable.read(new ConfigSection('extensions.file_storage', undefined, [])), {
    section: 'extensions.file_storage',
    directory: '/var/lib/otelcol/file_storage',
    createDirectory: false,
    directoryMode: 0o750,
    timeoutMs: 1_000,
    isSynced: false,
    maxBytes: 1_073_741_824,
  });
});

for (const { values, message } of [
  { values: { directory: '/a', create_directory: true, directory_permissions: '0700', fsync: true }, message: '' },
  { values: { timeout: '0s', max_size_mib: 1 }, message: '' },
  { values: { directory: '' }, message: /^s\.directory: is empty; / },
  { values: { directory_permissions: 'rwx' }, message: /^s\.directory_permissions: "rwx" is not an octal mode; / },
  { values: { max_size_mib: 0 }, message: /^s\.max_size_mib: 0 / },
  { values: { compaction: {} }, message: /^s\.compaction: is set, but files are deleted as soon as / },
  { values: { directoy: '/a' }, message: /^s\.directoy: unknown key; did you mean "directory"/ },
]) {
  test(`file_storage ${JSON.stringify(values)} is ${message === '' ? 'taken' : 'refused'}`, () => {
    const problems: ConfigProblem[] = [];
    fileStorageTable.read(new ConfigSection('s', values, problems));
    const actual = new ConfigError(problems).message;
    if (typeof message === 'string') assert.equal(actual, message);
    else assert.match(actual, message);
  });
}

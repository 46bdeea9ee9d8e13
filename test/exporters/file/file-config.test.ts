import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfigProblem } from '../../../src/config/config-error.ts';
import { ConfigError } from '../../../src/config/config-error.ts';
import { ConfigSection } from '../../../src/config/config-section.ts';
import type { FileConfig } from '../../../src/exporters/file/file-config.ts';
import { fileTable } from '../../../src/exporters/file/file-config.ts';

function read(values: Record<string, unknown>): { config: FileConfig; message: string } {
  const problems: ConfigProblem[] = [];
  const config = fileTable.read(new ConfigSection('file', values, problems));
  return { config, message: new ConfigError(problems).message };
}

test('file has the defaults of the Collector, and one consumer', () => {
  const { config, message } = read({ path: '/tmp/a', rotation: {} });
  assert.equal(message, '');
  const { retry: _retry, queue, ...rest } = config;
  assert.deepEqual(rest, {
    dialect: 'generic',
    dialectOptions: { functionsTwice: true, underscores: false },
    section: 'file',
    path: '/tmp/a',
    format: 'json',
    compression: 'none',
    compressionLevel: 6,
    layout: 'stream',
    existingFile: 'appended',
    createDirectory: false,
    directoryMode: 0o755,
    rotation: { maxSizeBytes: 104_857_600, maxAgeMs: 0, maxBackups: 100, maxBackupAgeMs: 0 },
  });
  assert.equal(queue.numConsumers, 1);
  assert.deepEqual(
    [read({ path: '/tmp/a' }).config.rotation, read({ path: '/tmp/a' }).config.existingFile],
    [undefined, 'emptied'],
  );
});

for (const { values, existingFile } of [
  { values: { append: true }, existingFile: 'appended' },
  { values: { rotation: {}, append: false }, existingFile: 'emptied' },
  { values: { rotation: {}, compression: 'zstd' }, existingFile: 'put_aside' },
  { values: { rotation: {}, compression: 'zstd', append: false }, existingFile: 'emptied' },
  { values: { compression: 'gzip' }, existingFile: 'emptied' },
]) {
  test(`with ${JSON.stringify(values)}, a file that is there at start is ${existingFile}`, () => {
    const { config, message } = read({ path: '/a', ...values });
    assert.deepEqual([config.existingFile, message], [existingFile, '']);
  });
}

for (const { values, message } of [
  { values: {}, message: 'file.path: is empty; write the path of a file.' },
  { values: { path: '/a', format: 'yaml' }, message: /^file\.format: "yaml" / },
  {
    values: { path: '/a', layout: 'per_message', append: true },
    message: 'file.append: is true, but layout per_message never empties a folder; remove it.',
  },
  {
    values: { path: '/a', layout: 'per_message', rotation: { max_megabytes: 1 } },
    message:
      'file.rotation.max_megabytes: is set, but layout per_message has no file that grows; use max_backups or max_days.',
  },
  {
    values: { path: '/a', rotation: { max_megabytes: 0 } },
    message: /^file\.rotation\.max_megabytes: 0 /,
  },
  {
    values: { path: '/a', sending_queue: { num_consumers: 10 } },
    message: /^file\.sending_queue\.num_consumers: is 10, but /,
  },
  {
    values: { path: '/a', layout: 'per_message', rotation: { max_age: '1h' } },
    message: /^file\.rotation\.max_age: is set, but layout per_message /,
  },
  {
    values: { path: '/a', compression: 'gzip', append: true },
    message: 'file.append: is true, but where a compressed file ends cannot be told after a crash; remove it.',
  },
  {
    values: { path: '/a', compression: 'gzip', compression_params: { level: 22 } },
    message: /^file\.compression_params\.level: 22 is out of range/,
  },
  {
    values: { path: '/a', directory_permissions: 'rwx' },
    message: 'file.directory_permissions: "rwx" is not an octal mode; write one such as "0755".',
  },
  { values: { path: '/a', compresion: 'zstd' }, message: /^file\.compresion: / },
]) {
  test(`file refuses ${JSON.stringify(values)}`, () => {
    if (typeof message === 'string') assert.equal(read(values).message, message);
    else assert.match(read(values).message, message);
  });
}

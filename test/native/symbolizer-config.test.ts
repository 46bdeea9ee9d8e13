import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfigProblem } from '../../src/config/config-error.ts';
import { ConfigSection } from '../../src/config/config-section.ts';
import { symbolizerType } from '../../src/native/symbolizer-config.ts';

function read(values: Record<string, unknown>) {
  const problems: ConfigProblem[] = [];
  const { debuginfod } = symbolizerType.table.read(new ConfigSection('symbolizer', values, problems));
  return { debuginfod, faults: problems.map(({ path }) => path) };
}

test('no server is asked for debug files unless the configuration names some', () => {
  assert.deepEqual(read({}), {
    debuginfod: { urls: [], cacheDirectory: '', timeoutMs: 30_000, maxBytes: 2 ** 30 },
    faults: [],
  });
});

for (const { name, values, fault } of [
  { name: 'no cache directory', values: { urls: ['https://a.example'] }, fault: 'cache_directory' },
  {
    name: 'a cache directory that is no absolute path',
    values: { urls: ['https://a.example'], cache_directory: 'cache' },
    fault: 'cache_directory',
  },
  {
    name: 'a server without scheme',
    values: { urls: ['https://a.example', 'b.example'], cache_directory: '/c' },
    fault: 'urls[1]',
  },
  {
    name: 'a server of another protocol',
    values: { urls: ['file:///etc'], cache_directory: '/c' },
    fault: 'urls[0]',
  },
  {
    name: 'credentials in an address',
    values: { urls: ['https://user:secret@a.example'], cache_directory: '/c' },
    fault: 'urls[0]',
  },
]) {
  test(`debuginfod with ${name} is refused`, () => {
    assert.deepEqual(read({ debuginfod: values }).faults, [`symbolizer.debuginfod.${fault}`]);
  });
}

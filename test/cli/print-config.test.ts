// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references are part of what this file is about
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import type { PrintConfigArgs } from '../../src/cli/command-line.ts';
import { runPrintConfig } from '../../src/cli/print-config.ts';
import { recordedIo } from '../support/recorded-io.ts';
import { smallConfig, testTypes } from '../support/test-config.ts';

async function print(
  mode: PrintConfigArgs['mode'],
  format: PrintConfigArgs['format'],
  headers = '{a: "Bearer ${env:T}"}',
) {
  const text = smallConfig.replace('{debug: }', `{debug: {endpoint: "\${env:P}", headers: ${headers}}}`);
  const io = recordedIo({ 'a.yaml': text }, { T: 'hunter2', P: '0123' });
  const exitCode = await runPrintConfig({ sources: { configs: ['a.yaml'], sets: [] }, mode, format }, testTypes, io);
  return { exitCode, out: io.out, err: io.err };
}

const printed = (header: string): unknown => ({
  receivers: { frames: null },
  exporters: { debug: { endpoint: '0123', headers: { a: header } } },
  service: { pipelines: { profiles: { receivers: ['frames'], exporters: ['debug'] } } },
});

for (const { mode, header } of [
  { mode: 'redacted', header: '[REDACTED]' },
  { mode: 'unredacted', header: 'Bearer hunter2' },
] as const) {
  test(`print-config prints YAML and JSON ${mode}`, async () => {
    const yaml = await print(mode, 'yaml');
    const json = await print(mode, 'json');
    assert.deepEqual([yaml.exitCode, yaml.err, parse(yaml.out)], [0, '', printed(header)]);
    assert.deepEqual([json.exitCode, json.err, JSON.parse(json.out)], [0, '', printed(header)]);
    assert.ok(yaml.out.endsWith('\n') && json.out.endsWith('\n'));
  });
}

test('print-config prints faults in place of a configuration that has some, and no secret with them', async () => {
  const { exitCode, out, err } = await print('redacted', 'yaml', '["Bearer ${env:T}"]');
  assert.deepEqual([exitCode, out], [2, '']);
  assert.equal(
    err,
    'Error: invalid configuration\nexporters.debug.headers[0]: the entry has no name; write "name:" and "value:".\n',
  );
});

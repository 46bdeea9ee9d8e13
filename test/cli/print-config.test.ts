// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references are part of what this file is about
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import type { PrintConfigArgs } from '../../src/cli/command-line.ts';
import { runPrintConfig } from '../../src/cli/print-config.ts';
import { componentTypes } from '../../src/service/components.ts';
import { findPipelineProblems } from '../../src/service/pipeline-problems.ts';
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

const telemetry = {
  logs: { level: 'info', encoding: 'console' },
  metrics: { level: 'normal', address: 'localhost:8888' },
};

const printed = (header: string): unknown => ({
  receivers: { frames: { endpoint: 'localhost:0', timeout: '5s' } },
  exporters: { debug: { endpoint: '0123', timeout: '5s', headers: { a: header } } },
  service: {
    extensions: [],
    pipelines: { profiles: { receivers: ['frames'], processors: [], exporters: ['debug'] } },
    telemetry,
  },
});

for (const { mode, header } of [
  { mode: 'redacted', header: '[REDACTED]' },
  { mode: 'unredacted', header: 'Bearer hunter2' },
] as const) {
  test(`print-config prints YAML and JSON with all defaults, ${mode}`, async () => {
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

test('print-config prints a configuration that comes to the same when it is read again', async () => {
  const shipped = readFileSync(join(import.meta.dirname, '../../otel-config.yaml'), 'utf8');
  const print = async (text: string, env: Record<string, string>): Promise<string> => {
    const io = recordedIo({ 'a.yaml': text }, env);
    const args = { sources: { configs: ['a.yaml'], sets: [] }, mode: 'redacted', format: 'yaml' } as const;
    assert.equal(await runPrintConfig(args, componentTypes, io, findPipelineProblems), 0, io.err);
    return io.out;
  };
  const printed = await print(shipped, { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://backend:4317' });
  assert.match(printed, /^ {2}reporting_cycle:\n(?: {4}.*\n)* {4}max_events: 2500000$/m);
  assert.equal(await print(printed, {}), printed);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runValidate } from '../../src/cli/validate.ts';
import { recordedIo } from '../support/recorded-io.ts';
import { smallConfig, testTypes } from '../support/test-config.ts';

async function validate(text: string, env: NodeJS.ProcessEnv = {}, sets: readonly string[] = [], isJson = false) {
  const io = recordedIo({ 'a.yaml': text }, env);
  const exitCode = await runValidate({ sources: { configs: ['a.yaml'], sets }, isJson }, testTypes, io);
  return { exitCode, out: io.out, err: io.err };
}

test('validate is silent about a configuration that is right', async () => {
  assert.deepEqual(await validate(smallConfig), { exitCode: 0, out: '', err: '' });
});

test('validate prints warnings, and takes the configuration', async () => {
  const err = [
    'Warning: exporters.otlp.endpoint: environment variable "X" is not set, so the value is empty; set it or write $',
    '{env:X:-default}.\nWarning: exporters.otlp: "otlp" alias is deprecated; use "otlp_grpc" instead.\n',
  ].join('');
  const text = smallConfig.replaceAll('debug', 'otlp');
  assert.deepEqual(await validate(text, {}, ['exporters.otlp.endpoint=$'.concat('{env:X}')]), {
    exitCode: 0,
    out: '',
    err,
  });
});

test('validate prints all faults, after the warnings, and exits with 2', async () => {
  const text = `${smallConfig.replaceAll('debug', 'otlp')}\nprocessors: {foo: , resource: {timout: 1s}}\nextra: 1`;
  assert.deepEqual(await validate(text), {
    exitCode: 2,
    out: '',
    err: [
      'Warning: exporters.otlp: "otlp" alias is deprecated; use "otlp_grpc" instead.',
      'Error: invalid configuration',
      'extra: unknown key; remove it, or use one of connectors, exporters, extensions, processors, receivers, service.',
      'processors.foo: unknown type: "foo" for id: "foo" (valid values: [resource]); use one of these.',
      'processors.resource.timout: unknown key; did you mean "timeout"? Rename or remove it.',
      '',
    ].join('\n'),
  });
});

test('validate says where a file is no YAML', async () => {
  const { exitCode, err } = await validate('a: 1\na: 2');
  assert.deepEqual(
    [exitCode, err],
    [2, 'Error: invalid configuration\na.yaml:2:1: the same key appears twice in one map; correct the YAML.\n'],
  );
});

test('validate lets a bug through as what it is', async () => {
  const { table } = testTypes[0]!;
  const broken = { ...testTypes[0]!, table: { ...table, read: () => assert.fail('a bug') } };
  const io = recordedIo({ 'a.yaml': smallConfig });
  await assert.rejects(
    runValidate({ sources: { configs: ['a.yaml'], sets: [] }, isJson: false }, [broken], io),
    /a bug/,
  );
});

test('validate --json prints all faults and warnings as data', async () => {
  const text = `${smallConfig.replaceAll('debug', 'otlp')}\nprocessors: {resource: {timout: 1s}}`;
  const { exitCode, out, err } = await validate(text, {}, [], true);
  assert.deepEqual([exitCode, err], [2, '']);
  assert.deepEqual(JSON.parse(out), {
    valid: false,
    problems: [
      {
        path: 'processors.resource.timout',
        problem: 'unknown key',
        remedy: 'did you mean "timeout"? Rename or remove it',
      },
    ],
    warnings: [
      'service.pipelines: processor "resource" is configured but in no pipeline, so it does not start; add it to one or remove it.',
      'exporters.otlp: "otlp" alias is deprecated; use "otlp_grpc" instead.',
    ],
  });
  const right = await validate(smallConfig, {}, [], true);
  assert.deepEqual([right.exitCode, JSON.parse(right.out)], [0, { valid: true, problems: [], warnings: [] }]);
});

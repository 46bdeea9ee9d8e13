import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import type { ValidateFunction } from 'ajv/dist/2020.js';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import { documents } from '../../docs/generate/documents.ts';

const root = join(import.meta.dirname, '../..');
const made = documents();

for (const { path, text } of made) {
  test(`${relative(root, path)} is what the tables of the configuration say; npm run docs writes it`, () => {
    assert.ok(text === readFileSync(path, 'utf8'), 'it is stale: run npm run docs');
  });
}

test('the reference names each key of the shipped configuration', () => {
  const reference = made.find(({ path }) => path.endsWith('.md'))!.text;
  const keys = [...readFileSync(join(root, 'otel-config.yaml'), 'utf8').matchAll(/^ +(\w+):/gm)].map(([, key]) => key!);
  assert.ok(keys.length > 30);
  assert.deepEqual(
    keys.filter((key) => !new RegExp(`[\`.]${key}(\\[|\`)`).test(reference)),
    [],
  );
});

const validate: ValidateFunction = new Ajv2020({ allErrors: true, allowUnionTypes: true }).compile(
  JSON.parse(made.find(({ path }) => path.endsWith('.json'))!.text),
);

/** The paths of a configuration at which the schema finds a fault. */
function faultsOf(config: unknown): string[] {
  validate(config);
  const paths = (validate.errors ?? []).map(({ instancePath, params }) =>
    [instancePath, params.additionalProperty].filter(Boolean).join('/'),
  );
  return [...new Set(paths)].sort();
}

test('the schema takes the shipped configuration', () => {
  assert.deepEqual(faultsOf(parse(readFileSync(join(root, 'otel-config.yaml'), 'utf8'))), []);
});

const small = {
  receivers: { frames: { protocols: { grpc: null } } },
  exporters: { 'debug/a': null, otlp: { endpoint: 'a:1', timeout: '1m30s', sending_queue: { batch: {} } } },
  service: { pipelines: { 'profiles/x': { receivers: ['frames'], exporters: `\${env:EXPORTERS}` } } },
};

test('the schema takes aliases, names, references, and keys without a value', () =>
  assert.deepEqual(faultsOf(small), []));

for (const { name, change, fault } of [
  {
    name: 'a misspelled key',
    change: { exporters: { debug: { verbositi: 'basic' } } },
    fault: '/exporters/debug/verbositi',
  },
  { name: 'an unknown type', change: { exporters: { deb: {} } }, fault: '/exporters/deb' },
  {
    name: 'an unknown word',
    change: { exporters: { debug: { verbosity: 'loud' } } },
    fault: '/exporters/debug/verbosity',
  },
  {
    name: 'a number out of bounds',
    change: { processors: { reporting_cycle: { jitter: 2 } } },
    fault: '/processors/reporting_cycle/jitter',
  },
  {
    name: 'a duration without a unit',
    change: { processors: { reporting_cycle: { interval: '5' } } },
    fault: '/processors/reporting_cycle/interval',
  },
  {
    name: 'a text for a list of maps',
    change: { service: { telemetry: { metrics: { readers: 'x' } } } },
    fault: '/service/telemetry/metrics/readers',
  },
  { name: 'a key at the top', change: { exporter: {} }, fault: 'exporter' },
]) {
  test(`the schema refuses ${name}`, () => {
    const faults = faultsOf({ ...small, ...change });
    assert.ok(
      faults.some((path) => path.endsWith(fault)),
      faults.join('\n'),
    );
  });
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { runComponents } from '../../src/cli/components.ts';
import { description, version } from '../../src/support/version.ts';
import { recordedIo } from '../support/recorded-io.ts';
import { testTypes } from '../support/test-config.ts';

test('components prints what can be configured, in the shape of the Collector', async () => {
  const io = recordedIo();
  assert.equal(await runComponents(testTypes, io), 0);
  assert.deepEqual(parse(io.out), {
    buildinfo: { command: 'framekeeper', description, version },
    receivers: [{ name: 'frames', stability: { profiles: 'Alpha' } }],
    processors: [{ name: 'resource', stability: { profiles: 'Development' } }],
    exporters: [
      { name: 'debug', stability: { profiles: 'Stable' } },
      { name: 'otlp_grpc', aliases: ['otlp'], stability: { profiles: 'Alpha' } },
    ],
    connectors: [],
    extensions: [{ name: 'health_check', stability: { extension: 'Beta' } }],
    providers: [{ scheme: 'env' }, { scheme: 'file' }, { scheme: 'yaml' }],
    converters: [],
  });
  assert.equal(io.err, '');
});

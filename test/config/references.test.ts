import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkDocument } from '../../src/config/check-document.ts';
import { ConfigError } from '../../src/config/config-error.ts';
import { componentTypes } from '../../src/service/components.ts';
import { findPipelineProblems } from '../../src/service/pipeline-problems.ts';
import { load } from '../support/test-config.ts';

const path = 'exporters.debug.sending_queue.storage';

for (const { name, extensions, listed, message } of [
  { name: 'is there', extensions: 'file_storage: {create_directory: true}', listed: 'file_storage', message: '' },
  {
    name: 'is not configured',
    extensions: 'file_storage/other: {create_directory: true}',
    listed: 'file_storage/other',
    message: `${path}: no storage client extension found: "file_storage" is not configured; configure it under extensions and list it in service.extensions.`,
  },
  {
    name: 'does not start',
    extensions: 'file_storage: {create_directory: true}',
    listed: '',
    message: `${path}: no storage client extension found: "file_storage" is configured but does not start; list it in service.extensions.`,
  },
]) {
  test(`a sending queue whose storage ${name} is ${message === '' ? 'taken' : 'refused'}`, () => {
    assert.equal(faultsOf('file_storage', extensions, listed), message);
  });
}

test('a sending queue cannot be stored in an extension that is no storage', () => {
  assert.equal(
    faultsOf('health_check', 'health_check: ', 'health_check'),
    `${path}: requested extension is not a storage extension: "health_check"; name one of type file_storage.`,
  );
});

test('a journal whose storage is not there is refused too', () => {
  assert.equal(
    faultsOf('""', '', '', 'file_storage'),
    'processors.reporting_cycle.storage: no storage client extension found: "file_storage" is not configured; configure it under extensions and list it in service.extensions.',
  );
  assert.equal(faultsOf('""', 'file_storage: {create_directory: true}', 'file_storage', 'file_storage'), '');
});

function faultsOf(storage: string, extensions: string, listed: string, journal = '""'): string {
  const document = load(`
receivers: {frames: {protocols: {grpc: }}}
processors: {symbol_store: , reporting_cycle: {storage: ${journal}}}
exporters: {debug: {sending_queue: {storage: ${storage}}}}
extensions: {${extensions}}
service:
  extensions: [${listed}]
  pipelines: {profiles: {receivers: [frames], processors: [symbol_store, reporting_cycle], exporters: [debug]}}
`);
  try {
    checkDocument(document, componentTypes, findPipelineProblems);
    return '';
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
}

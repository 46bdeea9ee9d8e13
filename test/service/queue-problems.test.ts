import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConfig } from '../../src/cli/read-config.ts';
import { componentTypes } from '../../src/service/components.ts';
import { findSmallStorages } from '../../src/service/queue-problems.ts';
import { recordedIo } from '../support/recorded-io.ts';

for (const { name, maxSizeMib, cycle, exporter, fault } of [
  {
    name: 'refuses a queue on disk that a full window would not fit into',
    maxSizeMib: 127,
    fault:
      'extensions.file_storage.max_size_mib: is 127, but a report of reporting_cycle may have max_bytes (134217728), and must fit into the sending queue of file; write 128 or more, or lower processors.reporting_cycle.max_bytes.',
  },
  { name: 'takes a queue on disk as large as a full window', maxSizeMib: 128, fault: '' },
  { name: 'takes a small queue on disk for a small window', maxSizeMib: 1, cycle: '{max_bytes: 1048576}', fault: '' },
  { name: 'takes a small storage that keeps no queue', maxSizeMib: 1, exporter: '{path: /tmp/x}', fault: '' },
]) {
  test(`findSmallStorages ${name}`, () => {
    const io = recordedIo({
      'config.yaml': `
receivers: {frames: {protocols: {grpc: {}}}}
processors: {symbol_store: {}, reporting_cycle: ${cycle ?? '{}'}}
exporters: {file: ${exporter ?? '{path: /tmp/x, sending_queue: {storage: file_storage}}'}}
extensions: {file_storage: {directory: /tmp, max_size_mib: ${maxSizeMib}}}
service:
  extensions: [file_storage]
  pipelines: {profiles: {receivers: [frames], processors: [symbol_store, reporting_cycle], exporters: [file]}}
`,
    });
    readConfig({ configs: ['config.yaml'], sets: [] }, componentTypes, io, findSmallStorages);
    const faults = io.err.includes('Error:') ? io.err.slice(io.err.indexOf('Error:')) : '';
    assert.equal(faults, fault === '' ? '' : `Error: invalid configuration\n${fault}\n`);
  });
}

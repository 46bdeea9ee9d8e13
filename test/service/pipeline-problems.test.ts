import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConfig } from '../../src/cli/read-config.ts';
import { componentTypes } from '../../src/service/components.ts';
import { findPipelineProblems, findSmallStorages } from '../../src/service/pipeline-problems.ts';
import { recordedIo } from '../support/recorded-io.ts';

const parts = 'processors: [symbol_store, reporting_cycle], exporters: [debug]';
for (const { name, pipelines, extensions = '', fault } of [
  {
    name: 'a pipeline without processors',
    pipelines: '{profiles: {receivers: [frames], exporters: [debug]}}',
    fault:
      'service.pipelines.profiles.processors: is []; name one symbol_store and then one reporting_cycle: [symbol_store, reporting_cycle]; a memory_limiter may be the first, a symbolizer may stand between them, and filter, k8s_attributes, resource, resource_detection and service_name anywhere behind.',
  },
  {
    name: 'processors in the wrong order',
    pipelines: '{profiles: {receivers: [frames], processors: [reporting_cycle, symbol_store], exporters: [debug]}}',
    fault:
      'service.pipelines.profiles.processors: is [reporting_cycle, symbol_store]; name one symbol_store and then one reporting_cycle: [symbol_store, reporting_cycle]; a memory_limiter may be the first, a symbolizer may stand between them, and filter, k8s_attributes, resource, resource_detection and service_name anywhere behind.',
  },
  {
    name: 'a memory limiter behind what it is to guard',
    pipelines:
      '{profiles: {receivers: [frames], processors: [symbol_store, memory_limiter, reporting_cycle], exporters: [debug]}}',
    fault:
      'service.pipelines.profiles.processors: is [symbol_store, memory_limiter, reporting_cycle]; name one symbol_store and then one reporting_cycle: [symbol_store, reporting_cycle]; a memory_limiter may be the first, a symbolizer may stand between them, and filter, k8s_attributes, resource, resource_detection and service_name anywhere behind.',
  },
  {
    name: 'two pipelines with the same receiver',
    pipelines: `{profiles: {receivers: [frames], ${parts}}, profiles/2: {receivers: [frames], ${parts}}}`,
    fault:
      'service.pipelines.profiles/2.receivers: receiver "frames" is in pipeline "profiles" too; give each pipeline receivers of its own.',
  },
  {
    name: 'two pipelines with one snapshot, however its path is written',
    pipelines: `{profiles: {receivers: [frames], ${parts.replace('store', 'store/1')}}, profiles/2: {receivers: [frames/3], ${parts.replace('store', 'store/2')}}}`,
    fault:
      'service.pipelines.profiles/2.processors: the store\'s snapshot "/var/lib/symbols" is that of pipeline "profiles" too; give each pipeline a symbol_store with a snapshot path of its own.',
  },
  {
    name: 'OTLP profiles to merge where nobody brings any',
    pipelines: `{profiles: {receivers: [frames], ${parts.replace('cycle', 'cycle/merge')}}}`,
    fault:
      'processors.reporting_cycle/merge.otlp_profiles: is "merge", but pipeline "profiles" has no otlp receiver; add one to service.pipelines.profiles.receivers, or remove the key.',
  },
  {
    name: 'receivers of one gRPC server with settings of their own',
    pipelines: `{profiles: {receivers: [otlp, frames, frames/3], ${parts}}}`,
    fault:
      'receivers.frames.protocols.grpc: differs from that of receiver "otlp", which shares the server at localhost:4317; give both the same settings or endpoints of their own.',
  },
  {
    name: 'two receivers of frames at one endpoint',
    pipelines: `{profiles: {receivers: [frames, frames/2], ${parts}}}`,
    fault:
      'receivers.frames/2.protocols.grpc.endpoint: localhost:4317 is the endpoint of receiver "frames" too; give each receiver of frames an endpoint of its own.',
  },
  {
    name: 'a port that another part has on all interfaces',
    pipelines: `{profiles: {receivers: [otlp/any], ${parts}}}`,
    extensions: 'health_check',
    fault:
      'extensions.health_check.endpoint: localhost:4317 takes the port of receiver "otlp/any", which listens on :4317; give each a port of its own.',
  },
  {
    name: 'the same endpoint for receivers and health',
    pipelines: `{profiles: {receivers: [frames], ${parts}}}`,
    extensions: 'health_check',
    fault:
      'extensions.health_check.endpoint: localhost:4317 is the endpoint of receiver "frames" too; give each a port of its own.',
  },
  {
    name: 'metrics at the port of a receiver, by another name',
    pipelines: `{profiles: {receivers: [otlp/8888], ${parts}}}`,
    fault:
      'service.telemetry.metrics.readers.endpoint: localhost:8888 takes the port of receiver "otlp/8888", which listens on 127.0.0.1:8888; give each a port of its own.',
  },
]) {
  test(`findPipelineProblems refuses ${name}, with the remedy`, () => {
    const io = recordedIo({
      'config.yaml': `
receivers:
  frames: {protocols: {grpc: {}}}
  frames/2: {protocols: {grpc: {}}}
  frames/3: {protocols: {grpc: {endpoint: "localhost:0"}}}
  otlp: {protocols: {grpc: {max_recv_msg_size_mib: 8}}}
  otlp/any: {protocols: {http: {endpoint: ":4317"}}}
  otlp/8888: {protocols: {http: {endpoint: "127.0.0.1:8888"}}}
processors:
  memory_limiter: {check_interval: 1s, limit_mib: 100}
  symbol_store: {}
  symbol_store/1: {snapshot: {path: /var/lib/symbols}}
  symbol_store/2: {snapshot: {path: /var/lib/../lib/symbols}}
  reporting_cycle: {}
  reporting_cycle/merge: {otlp_profiles: merge}
exporters: {debug: {}}
extensions: {health_check: {endpoint: "localhost:4317"}}
service: {extensions: [${extensions}], pipelines: ${pipelines}}
`,
    });
    readConfig({ configs: ['config.yaml'], sets: [] }, componentTypes, io, findPipelineProblems);
    assert.equal(io.err.slice(io.err.indexOf('Error:')), `Error: invalid configuration\n${fault}\n`);
  });
}

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

for (const { name, queue, warning = '' } of [
  {
    name: 'warns of a queue of bytes that a full window does not fit into, with the bound that there is then',
    queue: '{sizer: bytes, queue_size: 1000000}',
    warning:
      'Warning: exporters.file.sending_queue.queue_size: is 1000000 bytes, but a report of reporting_cycle may have 3000000 (max_bytes) and is taken while the queue is not full, so that up to 4000000 wait; write 3000000 or more, or lower processors.reporting_cycle.max_bytes.\n',
  },
  {
    name: 'warns of a queue of items likewise',
    queue: '{sizer: items, queue_size: 100}',
    warning:
      'Warning: exporters.file.sending_queue.queue_size: is 100 items, but a report of reporting_cycle may have 5000 (max_events) and is taken while the queue is not full, so that up to 5100 wait; write 5000 or more, or lower processors.reporting_cycle.max_events.\n',
  },
  { name: 'says nothing of a queue that it fits into', queue: '{sizer: bytes, queue_size: 3000000}' },
  { name: 'says nothing of a queue of requests', queue: '{queue_size: 1}' },
  { name: 'says nothing where there is no queue', queue: '{enabled: false, sizer: bytes, queue_size: 1}' },
]) {
  test(`a check ${name}`, () => {
    const io = recordedIo({
      'config.yaml': `
receivers: {frames: {protocols: {grpc: {}}}}
processors: {symbol_store: {}, reporting_cycle: {max_events: 5000, max_bytes: 3000000}}
exporters: {file: {path: /tmp/x, sending_queue: ${queue}}}
service: {pipelines: {profiles: {receivers: [frames], processors: [symbol_store, reporting_cycle], exporters: [file]}}}
`,
    });
    const config = readConfig({ configs: ['config.yaml'], sets: [] }, componentTypes, io, findPipelineProblems);
    assert.ok(config !== undefined, io.err);
    assert.equal(config.checked.warnings.map((each) => `Warning: ${each}\n`).join(''), warning);
  });
}

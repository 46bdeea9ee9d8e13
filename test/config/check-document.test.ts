import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkDocument } from '../../src/config/check-document.ts';
import { ConfigError, formatProblem } from '../../src/config/config-error.ts';
import { load, smallConfig, testTypes } from '../support/test-config.ts';

function faultsOf(text: string): string[] {
  try {
    checkDocument(load(text), testTypes);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(formatProblem);
    throw error;
  }
  return [];
}

test('checkDocument gives typed values of every component, with its type', () => {
  const config = checkDocument(
    load(`
      receivers: {frames: {endpoint: "localhost:4317"}}
      processors: {resource: }
      exporters: {otlp_grpc/a: {timeout: 1s}, debug: }
      extensions: {health_check: }
      service: {extensions: [health_check], pipelines: {profiles: {receivers: [frames], processors: [resource], exporters: [debug, otlp_grpc/a]}}}
    `),
    testTypes,
  );
  const summary = [config.receivers, config.processors, config.exporters, config.extensions].map((components) =>
    [...components.entries()].map(([key, { id, type, config: values }]) => [key, id, type.type, values]),
  );
  assert.deepEqual(summary, [
    [['frames', 'frames', 'frames', { endpoint: 'localhost:4317', timeoutMs: 5_000 }]],
    [['resource', 'resource', 'resource', { endpoint: 'localhost:0', timeoutMs: 5_000 }]],
    [
      ['otlp_grpc/a', 'otlp_grpc/a', 'otlp_grpc', { endpoint: 'localhost:0', timeoutMs: 1_000 }],
      ['debug', 'debug', 'debug', { endpoint: 'localhost:0', timeoutMs: 5_000 }],
    ],
    [['health_check', 'health_check', 'health_check', { endpoint: 'localhost:0', timeoutMs: 5_000 }]],
  ]);
  assert.deepEqual([config.serviceExtensions, config.warnings], [['health_check'], []]);
  assert.deepEqual([...config.pipelines.keys()], ['profiles']);
  assert.equal(config.telemetry.logs.level, 'info');
});

test('checkDocument takes an older name of a type under its own identifier, with a warning', () => {
  const config = checkDocument(load(smallConfig.replaceAll('debug', 'otlp/x')), testTypes);
  assert.deepEqual(
    [config.exporters.get('otlp/x')!.id, config.exporters.get('otlp/x')!.type.type],
    ['otlp/x', 'otlp_grpc'],
  );
  assert.deepEqual(config.warnings, ['exporters.otlp/x: "otlp" alias is deprecated; use "otlp_grpc" instead.']);
});

for (const { name, text, messages } of [
  {
    name: 'a type that is not known',
    text: smallConfig.replaceAll('debug', 'foo/1'),
    messages: [
      'exporters.foo/1: unknown type: "foo" for id: "foo/1" (valid values: [debug otlp_grpc]); use one of these.',
    ],
  },
  {
    name: 'a type that is nearly known',
    text: smallConfig.replaceAll('debug', 'otlpgrpc'),
    messages: [
      'exporters.otlpgrpc: unknown type: "otlpgrpc" for id: "otlpgrpc" (valid values: [debug otlp_grpc]); did you mean "otlp_grpc"? Use one of these.',
    ],
  },
  {
    name: 'a type of another kind',
    text: `${smallConfig}\nprocessors: {debug: }`,
    messages: ['processors.debug: unknown type: "debug" for id: "debug" (valid values: [resource]); use one of these.'],
  },
  {
    name: 'faults of a component that no pipeline uses',
    text: `${smallConfig}\nprocessors: {resource: {timeout: soon}}`,
    messages: ['processors.resource.timeout: "soon" is not a duration; write a duration such as "5s" or "200ms".'],
  },
  {
    name: 'faults of the document and of all components together',
    text: 'receivers: {frames: {endpiont: x}}\nexporters: {debug: {timeout: 1}, bar: }\nextra: 1\nservice: ',
    messages: [
      'service.pipelines: service must have at least one pipeline; add "profiles:" with receivers and exporters below it.',
      'extra: unknown key; remove it, or use one of connectors, exporters, extensions, processors, receivers, service.',
      'receivers.frames.endpiont: unknown key; did you mean "endpoint"? Rename or remove it.',
      'exporters.bar: unknown type: "bar" for id: "bar" (valid values: [debug otlp_grpc]); use one of these.',
    ],
  },
]) {
  test(`checkDocument refuses ${name}`, () => assert.deepEqual(faultsOf(text), messages));
}

for (const { kind, type, remedy } of [
  { kind: 'processors', type: 'batch', remedy: 'batches are made by the exporter' },
  { kind: 'processors', type: 'groupbyattrs', remedy: 'Collector' },
  { kind: 'extensions', type: 'zpages', remedy: '/status' },
  { kind: 'exporters', type: 'logging', remedy: 'name "debug"' },
  { kind: 'receivers', type: 'hostmetrics', remedy: 'Framekeeper carries profiles alone' },
]) {
  test(`checkDocument says what there is in place of the Collector's ${type}`, () => {
    const own = { receivers: '{frames: ', exporters: '{debug: ' }[kind];
    const text =
      own === undefined ? `${smallConfig}\n${kind}: {${type}: }` : smallConfig.replace(own, `${own}, ${type}: `);
    const [fault] = faultsOf(text);
    assert.match(fault!, new RegExp(`^${kind}\\.${type}: unknown type: .*; it is the Collector's, and not here; `));
    assert.ok(fault!.includes(remedy), fault);
  });
}

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references are part of what this file is about
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError } from '../../src/config/config-error.ts';
import { Expanded } from '../../src/config/config-value.ts';
import { faultsOf, load, smallConfig } from '../support/test-config.ts';

test('loadConfig gives sections by identifier, pipelines and extensions in order', () => {
  const document = load(`
    receivers: {frames: {endpoint: a}, frames/2: }
    processors: {resource: }
    exporters: {debug: , " otlp_grpc / b ": {endpoint: b}}
    extensions: {health_check: , pprof: }
    service:
      extensions: [pprof, health_check]
      pipelines:
        profiles: {receivers: [frames, frames/2], processors: [resource], exporters: [otlp_grpc/b, debug]}
        profiles/2: {receivers: [frames], exporters: [debug]}
  `);
  assert.deepEqual([document.problems, document.warnings], [[], []]);
  assert.deepEqual([...document.receivers.keys()], ['frames', 'frames/2']);
  assert.deepEqual([...document.processors.keys()], ['resource']);
  assert.deepEqual([...document.exporters.keys()], ['debug', 'otlp_grpc/b']);
  assert.equal(document.exporters.get('otlp_grpc/b')!.string('endpoint', ''), 'b');
  assert.deepEqual(document.serviceExtensions, ['pprof', 'health_check']);
  assert.deepEqual(
    [...document.pipelines],
    [
      [
        'profiles',
        { receivers: ['frames', 'frames/2'], processors: ['resource'], exporters: ['otlp_grpc/b', 'debug'] },
      ],
      ['profiles/2', { receivers: ['frames'], processors: [], exporters: ['debug'] }],
    ],
  );
});

test('loadConfig merges sources from left to right, and --set last', () => {
  const files = {
    'a.yaml': `${smallConfig}\nextensions: {health_check: {endpoint: a, path: /a}}`,
    'b.yaml': 'extensions: {health_check: {endpoint: b}}',
  };
  const sources = ['a.yaml', 'file:b.yaml', 'yaml:extensions::health_check::headers: [x]', 'env:MORE'];
  const document = load(sources, {
    files,
    env: { MORE: 'extensions: {health_check: {timeout: 5s}}' },
    sets: [
      'extensions.health_check.timeout=${env:T:-9s}',
      'extensions.health_check.port=0123',
      'extensions.health_check.list=[1, 2]',
    ],
  });
  assert.deepEqual(document.completed().extensions, {
    health_check: {
      endpoint: 'b',
      path: '/a',
      headers: ['x'],
      timeout: '9s',
      port: new Expanded(83, '0123'),
      list: [1, 2],
    },
  });
});

test('loadConfig warns of what nothing refers to', () => {
  const document = load(`
    receivers: {frames: , frames/2: }
    processors: {resource: }
    exporters: {debug: , file: }
    extensions: {health_check: , pprof: }
    service: {extensions: [pprof], pipelines: {profiles: {receivers: [frames], exporters: [debug]}, profiles/2: {receivers: [frames], exporters: [file]}}}
  `);
  assert.deepEqual(document.warnings, [
    'service.pipelines: receiver "frames/2" is configured but in no pipeline, so it does not start; add it to one or remove it.',
    'service.pipelines: processor "resource" is configured but in no pipeline, so it does not start; add it to one or remove it.',
    'service.extensions: extension "health_check" is configured but not listed here, so it does not start; list or remove it.',
  ]);
});

test('loadConfig does not add such warnings to faults', () => {
  const document = load(`${smallConfig}\nprocessors: {resource: }\nx: 1`);
  assert.deepEqual([document.problems.length, document.warnings], [1, []]);
});

test('loadConfig expands after it has merged', () => {
  const document = load(['a.yaml', 'b.yaml'], {
    files: {
      'a.yaml': `${smallConfig}\nextensions: {x: "\${env:UNSET}"}`,
      'b.yaml': 'extensions: {x: {y: 1}}\nservice: {extensions: [x]}',
    },
  });
  assert.deepEqual([document.warnings, document.completed().extensions], [[], { x: { y: 1 } }]);
});

test('loadConfig takes parts from files', () => {
  const document = load(`${smallConfig}\nextensions: \${file:/ext.yaml}`, {
    files: { '/ext.yaml': 'health_check: {endpoint: x}\n' },
  });
  assert.deepEqual(document.problems, []);
  assert.equal(document.extensions.get('health_check')!.string('endpoint', ''), 'x');
});

test('loadConfig warns when an empty section removes what came before', () => {
  const document = load(['a.yaml', 'b.yaml'], {
    files: { 'a.yaml': `${smallConfig}\nextensions: {x: }`, 'b.yaml': 'extensions:' },
  });
  assert.deepEqual(document.warnings, [
    'extensions: is empty in b.yaml and so removes what came before; write {} to keep it.',
  ]);
});

test('loadConfig keeps an unset variable and an unknown tag as warnings', () => {
  const document = load(smallConfig.replace('{debug: }', '{debug: {endpoint: "${X}", path: !foo y}}'));
  assert.deepEqual(document.problems, []);
  assert.deepEqual(document.warnings, [
    'config.yaml: unresolved tag; put a text that begins with "*" or "!" in quotes.',
    'exporters.debug.endpoint: environment variable "X" is not set, so the value is empty; set it or write ${env:X:-default}.',
  ]);
});

test('loadConfig throws at once when a source is no configuration, with the faults of all sources', () => {
  const sources = ['nope.yaml', 'bad.yaml', 'list.yaml', 'env:NOPE', 'https://x/y', 'ftp:x', 'yaml:a: [', 'deep.yaml'];
  const files = {
    'bad.yaml': 'a: 1\nb: 2\na: 3',
    'list.yaml': '- a',
    'deep.yaml': `a: ${'['.repeat(70)}${']'.repeat(70)}`,
  };
  assert.throws(() => load(sources, { files }), ConfigError);
  assert.deepEqual(faultsOf(sources, { files, sets: ['a', '=b', 'a..b=1', 'a.b=[', 'a=x: y: z'] }), [
    "nope.yaml: the file cannot be read (ENOENT: no such file or directory, open 'nope.yaml'); correct the path given to --config.",
    'bad.yaml:3:1: the same key appears twice in one map; correct the YAML.',
    'list.yaml: the configuration is a list, not a map; start with receivers, exporters and service.',
    'env:NOPE: environment variable "NOPE" is not set; put the configuration into it.',
    'https://x/y: scheme "https" is not supported; fetch it to a file first: Framekeeper reads no configuration over the network.',
    'ftp:x: scheme "ftp" is not supported; use a path, file:, env: or yaml:.',
    'yaml::1:5: flow sequence in block collection must be sufficiently indented and end with a ]; correct the YAML.',
    'deep.yaml: the nesting is deeper than 64 levels; correct the YAML.',
    '--set a: missing equal sign; write --set key.key=value.',
    '--set =…: a key is empty; write --set key.key=value.',
    '--set a..b=…: a key is empty; write --set key.key=value.',
    '--set a.b=…: the value is not YAML: flow sequence must end with a ]; put it in quotes.',
    '--set a=…: the value is not YAML: nested mappings are not allowed in compact mappings; put it in quotes.',
  ]);
});

test('loadConfig shows nothing of a value or a text that came by the command line', () => {
  const secret = 'hunter2hunter2';
  const sources = [`yml:{"a":"${secret}"}`, `yml:a: ${secret}`, `https://user:${secret}@host/x?token=${secret}`];
  const sets = [`a.headers.key=Bearer: [${secret}`, `a.headers.key: ${secret}`, `a.headers.key:${secret}`];
  const faults = faultsOf(sources, { files: {}, sets });
  assert.equal(faults.length, 6);
  assert.deepEqual(
    faults.filter((fault) => fault.includes(secret)),
    [],
  );
  assert.match(faults[2]!, /^https:\/\/\[REDACTED\]@host\/x/);
  assert.match(faults[3]!, /^--set a\.headers\.key=…: /);
  assert.match(faults[4]!, /^--set a\.headers\.key: missing/);
});

for (const { name, text } of [
  { name: 'an empty file', text: '' },
  { name: 'a file of comments', text: '# nothing\n' },
  { name: 'an empty map', text: '{}' },
]) {
  test(`loadConfig refuses ${name}`, () => {
    const message = 'config.yaml: empty configuration file; configure receivers, exporters and service.';
    assert.deepEqual(faultsOf(text), [message]);
  });
}

const noExporter = 'receivers: {frames: }\nservice: {pipelines: {profiles: {receivers: [frames], exporters: [debug]}}}';
const withService = (service: string): string =>
  `receivers: {frames: }\nexporters: {debug: , otlp_grpc: }\nservice: ${service}`;
const withPipelines = (pipelines: string): string => withService(`{pipelines: ${pipelines}}`);

for (const { name, text, messages } of [
  {
    name: 'an unknown top-level key',
    text: `${smallConfig}\nrecievers: {}`,
    messages: ['recievers: unknown key; did you mean "receivers"? Rename or remove it.'],
  },
  {
    name: 'a top-level key like no other',
    text: `${smallConfig}\nx: {}`,
    messages: [
      'x: unknown key; remove it, or use one of connectors, exporters, extensions, processors, receivers, service.',
    ],
  },
  {
    name: 'a section that is no map',
    text: `${smallConfig}\nprocessors: [resource]`,
    messages: ['processors: a list is not a map; write keys and values below it.'],
  },
  {
    name: 'a component that is no map',
    text: `${smallConfig}\nprocessors: {resource: 5}`,
    messages: ['processors.resource: 5 is not a map; write keys and values below it.'],
  },
  {
    name: 'connectors, since there are none',
    text: `${smallConfig}\nconnectors: {forward: }`,
    messages: ['connectors.forward: there are no connectors here; remove it, and connect pipelines in a Collector.'],
  },
  {
    name: 'no receivers',
    text: 'exporters: {debug: }\nservice: {pipelines: {profiles: {receivers: [frames], exporters: [debug]}}}',
    messages: [
      'receivers: no receiver configuration specified in config; configure at least one receiver.',
      'service.pipelines.profiles.receivers: references receiver "frames" which is not configured; configure it under receivers or remove it here.',
    ],
  },
  {
    name: 'no exporters',
    text: noExporter,
    messages: [
      'exporters: no exporter configuration specified in config; configure at least one exporter.',
      'service.pipelines.profiles.exporters: references exporter "debug" which is not configured; configure it under exporters or remove it here.',
    ],
  },
  {
    name: 'wrong identifiers',
    text: `${smallConfig}\nprocessors: {"": , 1x: , "x/": , "/x": , "x/a b": }`,
    messages: [
      'processors.: id must not be empty; write type or type/name, such as "otlp_grpc" or "otlp_grpc/backend".',
      'processors.1x: in "1x" id: invalid character(s) in type "1x"; write type or type/name, such as "otlp_grpc" or "otlp_grpc/backend".',
      'processors.x/: in "x/" id: the part after / should not be empty; write type or type/name, such as "otlp_grpc" or "otlp_grpc/backend".',
      'processors./x: in "/x" id: the part before / should not be empty; write type or type/name, such as "otlp_grpc" or "otlp_grpc/backend".',
      'processors.x/a b: in "x/a b" id: invalid character(s) in name "a b"; write type or type/name, such as "otlp_grpc" or "otlp_grpc/backend".',
    ],
  },
  {
    name: 'identifiers that differ in spaces alone',
    text: `${smallConfig}\nprocessors: {resource: , "resource ": }`,
    messages: ['processors.resource : duplicate name "resource " after unmarshaling resource; remove one of the two.'],
  },
  {
    name: 'no service',
    text: 'receivers: {frames: }\nexporters: {debug: }',
    messages: [
      'service.pipelines: service must have at least one pipeline; add "profiles:" with receivers and exporters below it.',
    ],
  },
  {
    name: 'no pipelines',
    text: withService('{}'),
    messages: [
      'service.pipelines: service must have at least one pipeline; add "profiles:" with receivers and exporters below it.',
    ],
  },
  {
    name: 'an unknown key of service',
    text: withService('{pipelines: {profiles: {receivers: [frames], exporters: [debug]}}, telemtry: {}}'),
    messages: ['service.telemtry: unknown key; did you mean "telemetry"? Rename or remove it.'],
  },
  {
    name: 'pipelines of other signals',
    text: withPipelines(
      '{traces: {receivers: [x]}, logs/2: , metrics: , profiles: {receivers: [frames], exporters: [debug]}}',
    ),
    messages: ['traces', 'logs', 'metrics'].map(
      (signal) =>
        `service.pipelines.${signal === 'logs' ? 'logs/2' : signal}: there are no ${signal} pipelines here: Framekeeper carries profiles only; leave ${signal} to a Collector.`,
    ),
  },
  {
    name: 'pipelines of no signal',
    text: withPipelines('{profile: , "1x": }'),
    messages: [
      'service.pipelines.profile: unknown pipeline signal: "profile"; write "profiles" or "profiles/name".',
      'service.pipelines.1x: in "1x" id: invalid character(s) in type "1x"; write "profiles" or "profiles/name".',
    ],
  },
  {
    name: 'pipelines that differ in spaces alone',
    text: withPipelines('{profiles: {receivers: [frames], exporters: [debug]}, "profiles ": {}}'),
    messages: [
      'service.pipelines.profiles : duplicate name "profiles " after unmarshaling profiles; remove one of the two.',
    ],
  },
  {
    name: 'a pipeline without receivers and exporters',
    text: withPipelines('{profiles: }'),
    messages: [
      'service.pipelines.profiles.receivers: must have at least one receiver; name one, such as [frames].',
      'service.pipelines.profiles.exporters: must have at least one exporter; name one, such as [otlp_grpc].',
    ],
  },
  {
    name: 'references to what is not there',
    text: withPipelines('{profiles: {receivers: [farmes], processors: [batch], exporters: [debug, otlp]}}'),
    messages: [
      'service.pipelines.profiles.receivers: references receiver "farmes" which is not configured; did you mean "frames"? Configure it under receivers or remove it here.',
      'service.pipelines.profiles.processors: references processor "batch" which is not configured; configure it under processors or remove it here.',
      'service.pipelines.profiles.exporters: references exporter "otlp" which is not configured; configure it under exporters or remove it here.',
    ],
  },
  {
    name: 'references that repeat',
    text: withPipelines('{profiles: {receivers: [frames, frames], exporters: [debug, " debug"]}}'),
    messages: [
      'service.pipelines.profiles.receivers: references receiver "frames" multiple times; name it once.',
      'service.pipelines.profiles.exporters: references exporter "debug" multiple times; name it once.',
    ],
  },
  {
    name: 'references that are no identifiers',
    text: withPipelines('{profiles: {receivers: [frames, "x/"], exporters: [debug, 5]}}'),
    messages: [
      'service.pipelines.profiles.receivers: in "x/" id: the part after / should not be empty; write type or type/name, such as "otlp_grpc" or "otlp_grpc/backend".',
      'service.pipelines.profiles.exporters[1]: 5 is not text; put it in quotes.',
    ],
  },
  {
    name: 'an unknown key of a pipeline',
    text: withPipelines('{profiles: {receivers: [frames], exporters: [debug], exporter: [debug]}}'),
    messages: ['service.pipelines.profiles.exporter: unknown key; did you mean "exporters"? Rename or remove it.'],
  },
  {
    name: 'extensions that are not configured',
    text: `${smallConfig}`.replace('{pipelines', '{extensions: [health_check], pipelines'),
    messages: [
      'service.extensions: references extension "health_check" which is not configured; configure it under extensions or remove it here.',
    ],
  },
  {
    name: 'a value that cannot be expanded, once',
    text: `${smallConfig.replace('{debug: }', '"${file:/nope}"')}`,
    messages: [
      'exporters: file "/nope" cannot be read (ENOENT: no such file or directory, open \'/nope\'); correct the path or its permissions.',
      'service.pipelines.profiles.exporters: references exporter "debug" which is not configured; configure it under exporters or remove it here.',
    ],
  },
]) {
  test(`loadConfig refuses ${name}`, () => assert.deepEqual(faultsOf(text), messages));
}

test('loadConfig takes a comma-separated text for a list, and identifiers with spaces around', () => {
  const document = load(withPipelines('{profiles: {receivers: frames, exporters: "debug, otlp_grpc"}}'));
  assert.deepEqual(document.problems, []);
  assert.deepEqual(document.pipelines.get('profiles')!.exporters, ['debug', 'otlp_grpc']);
});

test('loadConfig reports faults of all parts at once', () => {
  const text =
    'recievers: {}\nreceivers: {"/": }\nexporters: {debug: "${x:y}"}\nservice: {pipelines: {logs: }, telemetry: {logs: {level: loud}}}';
  assert.deepEqual(
    faultsOf(text).map((message) => message.split(': ')[0]),
    [
      'exporters.debug',
      'receivers./',
      'receivers',
      'service.pipelines.logs',
      'service.telemetry.logs.level',
      'recievers',
    ],
  );
});

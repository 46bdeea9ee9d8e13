import type { ComponentType } from '../../src/config/component-type.ts';
import type { ConfigDocument } from '../../src/config/config-document.ts';
import { ConfigError, formatProblem } from '../../src/config/config-error.ts';
import { duration, secretMap, text } from '../../src/config/config-keys.ts';
import type { ConfigOf } from '../../src/config/config-table.ts';
import { configTable } from '../../src/config/config-table.ts';
import { loadConfig } from '../../src/config/load-config.ts';

/** What a test has instead of a machine: files by path, and variables. */
export interface TestSurroundings {
  readonly env?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
  readonly sets?: readonly string[];
}

export function readFrom(files: Readonly<Record<string, string>>): (path: string) => string {
  return (path) => {
    if (Object.hasOwn(files, path)) return files[path]!;
    throw new Error(`ENOENT: no such file or directory, open '${path}'`);
  };
}

/** Loads sources; a string is one source of YAML text. */
export function load(sources: string | readonly string[], surroundings: TestSurroundings = {}): ConfigDocument {
  const { env = {}, files = {}, sets = [] } = surroundings;
  const isText = typeof sources === 'string';
  const configs = isText ? ['config.yaml'] : sources;
  return loadConfig(
    { configs, sets },
    { env, readFile: readFrom(isText ? { 'config.yaml': sources, ...files } : files) },
  );
}

/** All faults of sources as lines, whether thrown or collected. */
export function faultsOf(sources: string | readonly string[], surroundings: TestSurroundings = {}): string[] {
  try {
    return load(sources, surroundings).problems.map(formatProblem);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(formatProblem);
    throw error;
  }
}

/** A configuration that is right, to be made wrong by one part. */
export const smallConfig = `
receivers: {frames: }
exporters: {debug: }
service: {pipelines: {profiles: {receivers: [frames], exporters: [debug]}}}
`;

const table = configTable(
  {
    about: 'A component of a test.',
    keys: {
      endpoint: text('endpoint', { fallback: 'localhost:0' }, 'An endpoint.'),
      timeoutMs: duration('timeout', { fallback: 5_000 }, 'A timeout.'),
      headers: secretMap('headers', 'Headers.'),
    },
  },
  ({ endpoint, timeoutMs }) => ({ endpoint, timeoutMs }),
);

/** A registry of a few types that all have `endpoint`, `timeout` and `headers`. */
export const testTypes: readonly ComponentType<ConfigOf<typeof table>>[] = [
  { kind: 'receiver', type: 'frames', aliases: [], stability: 'alpha', table },
  { kind: 'processor', type: 'resource', aliases: [], stability: 'development', table },
  { kind: 'exporter', type: 'otlp_grpc', aliases: ['otlp'], stability: 'alpha', table },
  { kind: 'exporter', type: 'debug', aliases: [], stability: 'stable', table },
  { kind: 'extension', type: 'health_check', aliases: [], stability: 'beta', table },
];

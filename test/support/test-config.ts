import type { ComponentType } from '../../src/config/component-type.ts';
import type { ConfigDocument } from '../../src/config/config-document.ts';
import { ConfigError, formatProblem } from '../../src/config/config-error.ts';
import type { ConfigSection } from '../../src/config/config-section.ts';
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

interface EndpointConfig {
  readonly endpoint: string;
  readonly timeoutMs: number;
}

function readEndpointConfig(section: ConfigSection): EndpointConfig {
  const config = {
    endpoint: section.string('endpoint', 'localhost:0'),
    timeoutMs: section.durationMs('timeout', 5_000),
  };
  section.opaqueMap('headers');
  section.end();
  return config;
}

/** A registry of a few types that all have `endpoint`, `timeout` and `headers`. */
export const testTypes: readonly ComponentType<EndpointConfig>[] = [
  { kind: 'receiver', type: 'frames', aliases: [], stability: 'alpha', read: readEndpointConfig },
  { kind: 'processor', type: 'resource', aliases: [], stability: 'development', read: readEndpointConfig },
  { kind: 'exporter', type: 'otlp_grpc', aliases: ['otlp'], stability: 'alpha', read: readEndpointConfig },
  { kind: 'exporter', type: 'debug', aliases: [], stability: 'stable', read: readEndpointConfig },
  { kind: 'extension', type: 'health_check', aliases: [], stability: 'beta', read: readEndpointConfig },
];

import { messageOf } from '../support/error-text.ts';
import type { ConfigProblem } from './config-error.ts';
import type { ConfigMap, ConfigValue } from './config-value.ts';
import { Expanded, isMap, merge } from './config-value.ts';
import type { Surroundings } from './expand.ts';
import { withoutCredentials } from './redact.ts';
import { describeValue } from './scalar.ts';
import { parseYaml } from './yaml-text.ts';

/** ConfigSources are the options of the command line that name the configuration. */
export interface ConfigSources {
  /** Of each `--config`: a path, `file:PATH`, `env:NAME` or `yaml:TEXT`; later ones override earlier ones. */
  readonly configs: readonly string[];
  /** Of each `--set`: `a.b.c=VALUE`, applied after all files. */
  readonly sets: readonly string[];
}

/** One source as a map not yet expanded; `undefined` after faults, which are in `problems`. */
export function readSource(
  source: string,
  surroundings: Surroundings,
  problems: ConfigProblem[],
  warnings: string[],
): ConfigMap | undefined {
  const text = fetchSource(source, surroundings, problems);
  if (text === undefined) return undefined;
  const name = nameOfSource(source);
  const result = parseYaml(text);
  if (result.kind === 'faults') {
    for (const { line, column, problem } of result.faults) {
      const path = line === 0 ? name : `${name}:${line}:${column}`;
      problems.push({ path, problem, remedy: 'correct the YAML' });
    }
    return undefined;
  }
  for (const warning of result.warnings) warnings.push(`${name}: ${warning}.`);
  if (result.value === null) return {};
  if (!isMap(result.value)) {
    const problem = `the configuration is ${describeValue(result.value)}, not a map`;
    problems.push({ path: name, problem, remedy: 'start with receivers, exporters and service' });
    return undefined;
  }
  return unflatten(result.value);
}

/** One `--set` as a map; `undefined` after a fault. */
export function readSet(set: string, problems: ConfigProblem[]): ConfigMap | undefined {
  const path = nameOfSet(set);
  const equalSign = set.indexOf('=');
  if (equalSign < 0) {
    problems.push({ path, problem: 'missing equal sign', remedy: 'write --set key.key=value' });
    return undefined;
  }
  const keys = set.slice(0, equalSign).trim().split('.');
  if (keys.includes('')) {
    problems.push({ path, problem: 'a key is empty', remedy: 'write --set key.key=value' });
    return undefined;
  }
  const text = set.slice(equalSign + 1);
  const result = parseYaml(text);
  if (result.kind === 'faults') {
    for (const { problem } of result.faults) {
      problems.push({ path, problem: `the value is not YAML: ${problem}`, remedy: 'put it in quotes' });
    }
    return undefined;
  }
  return nest(keys, typeof result.value === 'string' ? result.value : withText(result.value, text));
}

// The shell has taken quotes away, so a number may be meant as text: the reader of the key decides.
function withText(value: Exclude<ConfigValue, string>, text: string): ConfigValue {
  return typeof value === 'object' && value !== null ? value : new Expanded(value as null | boolean | number, text);
}

function fetchSource(source: string, surroundings: Surroundings, problems: ConfigProblem[]): string | undefined {
  // A letter and a colon is a Windows drive, as in the Collector.
  const [, scheme, rest] = /^([A-Za-z][A-Za-z0-9+.-]+):(.*)$/s.exec(source) ?? [undefined, 'file', source];
  switch (scheme) {
    case 'file':
      return fetchFile(rest!, surroundings, problems);
    case 'yaml':
      return rest!;
    case 'env': {
      const text = Object.hasOwn(surroundings.env, rest!) ? surroundings.env[rest!] : undefined;
      if (text !== undefined) return text;
      problems.push({
        path: source,
        problem: `environment variable "${rest}" is not set`,
        remedy: 'put the configuration into it',
      });
      return undefined;
    }
    default: {
      const remedy =
        scheme === 'http' || scheme === 'https'
          ? 'fetch it to a file first: Framekeeper reads no configuration over the network'
          : 'use a path, file:, env: or yaml:';
      problems.push({ path: nameOfSource(source), problem: `scheme "${scheme}" is not supported`, remedy });
      return undefined;
    }
  }
}

function fetchFile(path: string, surroundings: Surroundings, problems: ConfigProblem[]): string | undefined {
  try {
    return surroundings.readFile(path);
  } catch (error) {
    const problem = `the file cannot be read (${messageOf(error)})`;
    problems.push({ path, problem, remedy: 'correct the path given to --config' });
    return undefined;
  }
}

/** Name of a source in messages: not a text, of `yaml:` or of a misspelled one, which can hold anything. */
export function nameOfSource(source: string): string {
  const scheme = /^(?!file:)[A-Za-z][A-Za-z0-9+.-]+:/.exec(source)?.[0];
  if (scheme === 'yaml:' || (scheme !== undefined && /[\s{}[\]"']/.test(source))) return scheme;
  return withoutCredentials(source.replace(/^file:/, ''));
}

/** Name of a `--set` in messages: without its value, which may be a secret. */
export function nameOfSet(set: string): string {
  const key = /^[^=:\s]*/.exec(set)![0];
  return `--set ${key}${set.includes('=') ? '=…' : ''}`;
}

/** `a::b: 1` is `a: {b: 1}` at the top of a source, as in the Collector. */
function unflatten(map: ConfigMap): ConfigMap {
  const entries = Object.entries(map).map(([key, value]): ConfigMap => nest(key.split('::'), value));
  // Joined in one map: merging entry by entry would copy all former entries for each.
  const joined = new Map<string, ConfigValue>();
  for (const [key, value] of entries.flatMap((entry) => Object.entries(entry))) {
    const before = joined.get(key);
    joined.set(key, before === undefined ? value : merge(before, value));
  }
  return Object.fromEntries(joined);
}

function nest(keys: readonly string[], value: ConfigValue): ConfigMap {
  return keys.reduceRight<ConfigValue>((inner, key) => Object.fromEntries([[key, inner]]), value) as ConfigMap;
}

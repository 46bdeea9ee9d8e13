import type { Environment, ReportVariable } from '../config/component-type.ts';
import type { ConfigMap, ConfigValue } from '../config/config-value.ts';
import { isMap, textual, typed } from '../config/config-value.ts';
import { dialectNames } from '../profile/dialects/dialect.ts';

/**
 * Endpoint and headers from `OTEL_EXPORTER_OTLP_ENDPOINT` and `OTEL_EXPORTER_OTLP_HEADERS`, or from those that name profiles,
 * for an exporter without an endpoint of its own. Headers come with the endpoint: what opens one backend must not be sent
 * to another. A header of the configuration goes before one of the environment. With the endpoint comes `FRAMEKEEPER_DIALECT`, unless the
 * exporter has a dialect of its own.
 * Source: https://opentelemetry.io/docs/specs/otel/protocol/exporter/
 */
export function otlpFromEnvironment(
  values: ConfigMap,
  env: Environment,
  report: ReportVariable,
  keys: { readonly base: string; readonly whole: string },
): ConfigMap {
  if ([keys.base, keys.whole].some((key) => !isLeftOpen(values[key]))) return values;
  const whole = env.OTEL_EXPORTER_OTLP_PROFILES_ENDPOINT;
  const base = env.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (!whole && !base) return values;
  const own = typed(values.headers) as ConfigValue | undefined;
  // A fault that is reported where headers are read.
  if (!(isLeftOpen(own) || isMap(own) || Array.isArray(own))) return values;
  const endpoint = whole ? { [keys.whole]: whole } : { [keys.base]: base! };
  const more = headersFromEnvironment(env, report);
  const dialect = isLeftOpen(values.dialect) ? dialectFromEnvironment(env, report) : {};
  return {
    ...values,
    ...endpoint,
    ...dialect,
    ...(Object.keys(more).length > 0 && { headers: addHeaders(own ?? {}, more) }),
  };
}

function dialectFromEnvironment(env: Environment, report: ReportVariable): ConfigMap {
  const dialect = env.FRAMEKEEPER_DIALECT?.trim();
  if (!dialect) return {};
  if (dialectNames.some((name) => name === dialect)) return { dialect };
  report('FRAMEKEEPER_DIALECT', `is "${dialect}"`, `write one of ${dialectNames.join(', ')}`);
  return {};
}

function isLeftOpen(value: ConfigValue | undefined): value is null | undefined {
  return value === undefined || value === null;
}

/** `key=value` pairs, parted by commas, values percent-encoded as in W3C Baggage. */
function headersFromEnvironment(env: Environment, report: ReportVariable): ConfigMap {
  const name = env.OTEL_EXPORTER_OTLP_PROFILES_HEADERS
    ? 'OTEL_EXPORTER_OTLP_PROFILES_HEADERS'
    : 'OTEL_EXPORTER_OTLP_HEADERS';
  const headers: Record<string, string> = {};
  for (const [index, pair] of (env[name] ?? '').split(',').entries()) {
    if (pair.trim() === '') continue;
    const end = pair.indexOf('=');
    const key = pair.slice(0, Math.max(end, 0)).trim();
    const value = decode(pair.slice(end + 1).trim());
    if (key !== '' && value !== undefined) headers[key] = value;
    // Not the text: it may hold a token.
    else report(name, `has no key=value at place ${index + 1}`, 'write pairs such as key=value, parted by commas');
  }
  return headers;
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** Headers of a configuration are a map, or a list of `{name, value}`. */
function addHeaders(own: ConfigMap | readonly ConfigValue[], more: ConfigMap): ConfigValue {
  const names = isMap(own) ? Object.keys(own) : own.map((entry) => (isMap(entry) ? textual(entry.name) : undefined));
  const taken = new Set(names.map((name) => String(name).toLowerCase()));
  const added = Object.entries(more).filter(([name]) => !taken.has(name.toLowerCase()));
  return isMap(own)
    ? { ...own, ...Object.fromEntries(added) }
    : [...own, ...added.map(([name, value]) => ({ name, value }))];
}

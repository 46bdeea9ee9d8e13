import { redacted } from '../support/secret.ts';
import type { ConfigMap, ConfigValue } from './config-value.ts';
import { Expanded, isMap } from './config-value.ts';

// For parts that no reader has seen, e.g. because their component is unknown: better one name too many.
const secretKey = /password|secret|token|credential|authorization|api[-_]?key|private[-_]?key|_pem$/i;
const secretMaps: readonly string[] = ['headers', 'response_headers'];

/**
 * A configuration with every secret as `[REDACTED]`, and all else as YAML or JSON can write it: `opaquePaths` are what
 * readers took as secrets; keys that sound secret are, too.
 */
export function redact(effective: ConfigMap, opaquePaths: ReadonlySet<string>): Record<string, unknown> {
  const isSecretAt = (path: string, key: string): boolean =>
    secretMaps.includes(key) || secretKey.test(key) || opaquePaths.has(path);
  const walk = (value: ConfigValue, path: string, isSecret: boolean): unknown => {
    const plain = value instanceof Expanded ? value.value : value;
    if (Array.isArray(plain)) return plain.map((item, index) => walkItem(item, `${path}[${index}]`, isSecret));
    if (isMap(plain)) {
      return mapValues(plain, (item, key) => {
        const itemPath = `${path}.${key}`;
        return walk(item, itemPath, isSecret || isSecretAt(itemPath, key));
      });
    }
    return isSecret && plain !== null ? redacted : printableWithoutCredentials(value);
  };
  // In a list of `{name, value}` the names are no secrets.
  const walkItem = (item: ConfigValue, path: string, isSecret: boolean): unknown => {
    if (!isSecret || !isMap(item) || typeof item.name !== 'string') return walk(item, path, isSecret);
    return mapValues(item, (value, key) => (key === 'name' ? value : walk(value, `${path}.${key}`, true)));
  };
  return mapValues(effective, (item, key) => walk(item, key, isSecretAt(key, key)));
}

function printableWithoutCredentials(value: ConfigValue): unknown {
  const plain = printable(value);
  return typeof plain === 'string' ? withoutCredentials(plain) : plain;
}

/** The same with all secrets in plain sight. */
export function reveal(effective: ConfigValue): unknown {
  const plain = effective instanceof Expanded && typeof effective.value === 'object' ? effective.value : effective;
  if (Array.isArray(plain)) return plain.map(reveal);
  return isMap(plain) ? mapValues(plain, reveal) : printable(plain as ConfigValue);
}

/** Takes user names, passwords and queries, which may hold a token, out of URLs in a text. */
export function withoutCredentials(text: string): string {
  // To the last "@" before the path: a password may hold one.
  return text
    .replace(/:\/\/[^\s/"']+@/g, `://${redacted}@`)
    .replace(/(https?:\/\/[^\s"'?]+\?)[^\s"']+/gi, `$1${redacted}`);
}

/** Text that another type would read differently, such as `0123`, stays text. */
function printable(value: ConfigValue): unknown {
  if (!(value instanceof Expanded)) return value;
  return value.text === undefined || value.text === String(value.value) ? value.value : value.text || null;
}

function mapValues(map: ConfigMap, change: (value: ConfigValue, key: string) => unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, change(value, key)]));
}

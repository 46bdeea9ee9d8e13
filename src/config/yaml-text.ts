import type { Document, ScalarTag } from 'yaml';
import { isScalar, LineCounter, parseDocument, visit } from 'yaml';
import { messageOf } from '../support/error-text.ts';
import type { ConfigValue } from './config-value.ts';

/** YamlFault is the place and reason of a text that is no configuration; lines and columns start at 1, and are 0 when the whole text is at fault. */
export interface YamlFault {
  readonly line: number;
  readonly column: number;
  readonly problem: string;
}

export type YamlResult =
  | { readonly kind: 'value'; readonly value: ConfigValue; readonly warnings: readonly string[] }
  | { readonly kind: 'faults'; readonly faults: readonly YamlFault[] };

/** A configuration has five or six levels; what is deeper is an attack or an alias of itself. */
export const maxDepth = 64;

// A thousand times a large configuration.
const maxValueCount = 100_000;

/**
 * Reads one YAML document, as the Collector's parser does: YAML 1.2 with merge keys, where `0123` is octal and `1_000`
 * a number. Never throws: syntax errors, duplicate keys, alias bombs and too deep nesting are faults.
 */
export function parseYaml(text: string): YamlResult {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, {
    lineCounter,
    merge: true,
    stringKeys: true,
    // The library compares each key with all before it: 20,000 keys would take 20 s.
    uniqueKeys: false,
    prettyErrors: false,
    customTags: (tags) => [goInteger, ...tags],
  });
  const faultAt = (offset: number, problem: string): YamlFault => {
    const { line, col } = lineCounter.linePos(offset);
    return { line, column: col, problem };
  };
  const faults =
    document.errors.length > 0
      ? document.errors.map(({ code, message, pos: [offset] }) =>
          faultAt(offset, faultTexts.get(code) ?? describe(message)),
        )
      : repeatedKeys(document).map((offset) => faultAt(offset, 'the same key appears twice in one map'));
  if (faults.length > 0) return { kind: 'faults', faults: faults.slice(0, mostFaults) };
  try {
    // 100 resolved aliases per anchor is the library's own measure of a bomb.
    const value = checked(document.toJS({ maxAliasCount: 100 }), 0, { count: 0 });
    return { kind: 'value', value, warnings: document.warnings.map(({ message }) => describe(message)) };
  } catch (error) {
    return { kind: 'faults', faults: [{ line: 0, column: 0, problem: describe(messageOf(error)) }] };
  }
}

/** Nobody corrects more at a time. */
const mostFaults = 100;

/** Offsets of keys that their map has before. */
function repeatedKeys(document: Document): number[] {
  const offsets: number[] = [];
  visit(document, {
    Map: (_, { items }) => {
      const known = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key) || key.value === '<<') continue;
        if (known.has(key.value)) offsets.push(key.range?.[0] ?? 0);
        known.add(key.value);
      }
    },
  });
  return offsets;
}

/** Go's integers (https://pkg.go.dev/strconv#ParseInt with base 0), which YAML 1.2 alone would read as decimal or as text. */
const goInteger: ScalarTag = {
  tag: 'tag:yaml.org,2002:int',
  default: true,
  test: /^[-+]?(?:0b[01][01_]*|0o?[0-7][0-7_]*|0x[0-9a-fA-F][0-9a-fA-F_]*|[1-9][0-9_]*)$/,
  resolve: (text) => {
    const [, sign, digits] = /^([-+]?)(.*)$/.exec(text.replaceAll('_', ''))!;
    const magnitude = Number(digits!.replace(/^0(?=[0-7])/, '0o'));
    return sign === '-' ? -magnitude : magnitude;
  },
};

const faultTexts: ReadonlyMap<string, string> = new Map([
  ['NON_STRING_KEY', 'a key is a list or a map'],
  ['MULTIPLE_DOCS', 'a second document starts here'],
  ['TAB_AS_INDENT', 'a tab is used as indentation'],
  ['RESOURCE_EXHAUSTION', 'the nesting is too deep'],
]);

/** The same value, known to be a finite tree of plain data. */
function checked(value: unknown, depth: number, seen: { count: number }): ConfigValue {
  if (depth > maxDepth) throw new RangeError(`the nesting is deeper than ${maxDepth} levels`);
  if (++seen.count > maxValueCount) throw new RangeError(`there are more than ${maxValueCount} values`);
  if (Array.isArray(value)) return value.map((item) => checked(item, depth + 1, seen));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, checked(item, depth + 1, seen)]));
  }
  return value as ConfigValue;
}

/** Without the name of an alias or a tag: a secret that begins with "*" or "!" and has no quotes is read as one. */
function describe(message: string): string {
  const text = message.replace(
    /^(unresolved (?:alias|tag)[^:]*): .*/i,
    '$1; put a text that begins with "*" or "!" in quotes',
  );
  return text.charAt(0).toLowerCase() + text.slice(1);
}

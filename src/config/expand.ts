import { messageOf } from '../support/error-text.ts';
import type { ConfigProblem } from './config-error.ts';
import type { ConfigNotes } from './config-notes.ts';
import type { ConfigValue } from './config-value.ts';
import { Expanded, isMap } from './config-value.ts';
import { nearest } from './nearest.ts';
import { expandTemplate, Unresolvable } from './template.ts';
import { maxDepth, parseYaml } from './yaml-text.ts';

/** Surroundings are the sources of values outside the configuration itself. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The text of a file; throws, as `fs.readFileSync` does, when it cannot. */
  readFile(path: string): string;
}

/** The Collector's limit on expansions for one value (confmap/resolver.go). */
const maxExpansions = 1000;

const schemes = ['env', 'file', 'yaml'];

/**
 * Replaces every `${env:NAME}`, `${env:NAME:-default}`, `${NAME}`, `${file:PATH}` and `${yaml:TEXT}` in the values, not
 * in the keys, of `value`, and `$$` by `$`. What a reference stands for is expanded in turn. Faults are added to
 * `problems`, and the value at fault is then empty; unset variables are warnings, and empty too.
 */
export function expand(
  value: ConfigValue,
  surroundings: Surroundings,
  problems: ConfigProblem[],
  notes: ConfigNotes,
): ConfigValue {
  const expandAt = (item: ConfigValue, path: string): ConfigValue => {
    if (typeof item === 'string') return expandScalar(item, path);
    if (Array.isArray(item)) return item.map((element, index) => expandAt(element, `${path}[${index}]`));
    if (!isMap(item)) return item;
    return mapValues(item, (element, key) => expandAt(element, path === '' ? key : `${path}.${key}`));
  };
  const expandScalar = (text: string, path: string): ConfigValue => {
    try {
      const expanded = new ScalarExpansion(surroundings, {
        warn: (warning) => notes.warn(path, warning),
        expanded: (reference, text) => notes.expanded.push({ path, reference, text }),
      }).expand(text, 0);
      // A short text that is glued to others is found by the whole.
      if (typeof expanded === 'string' && expanded !== text)
        notes.expanded.push({ path, reference: text, text: expanded });
      return expanded;
    } catch (error) {
      // A thousand references fit the stack as Node.js has it; where it is smaller, it says the same earlier.
      const reason = error instanceof RangeError ? tooManyExpansions() : error;
      if (!(reason instanceof Unresolvable)) throw error;
      problems.push({ path, problem: reason.problem, remedy: reason.remedy });
      notes.unreadablePaths.add(path);
      return new Expanded(null, '');
    }
  };
  return expandAt(value, '');
}

/** Takes the notes about one value. */
interface ScalarNotes {
  warn(warning: string): void;
  expanded(reference: string, text: string): void;
}

/** One value of the file while it is expanded; holds the budget that makes it end. */
class ScalarExpansion {
  readonly #surroundings: Surroundings;
  readonly #notes: ScalarNotes;
  #expansionsLeft = maxExpansions;

  constructor(surroundings: Surroundings, notes: ScalarNotes) {
    this.#surroundings = surroundings;
    this.#notes = notes;
  }

  /** `depth` counts lists and maps around the text. @throws Unresolvable */
  expand(text: string, depth: number): string | Expanded {
    for (const name of bareNames(text, this.#surroundings.env)) {
      this.#notes.warn(`$${name} is taken literally; write \${env:${name}} for the variable's value`);
    }
    return expandTemplate(text, (inside) => this.#resolve(inside, depth));
  }

  /** The value of a reference: typed when its text is YAML of another type than text. */
  #resolve(inside: string, depth: number): string | Expanded {
    const text = this.#fetch(inside);
    if (text === undefined) return new Expanded(null, '');
    const result = parseYaml(text);
    if (!inside.startsWith('yaml:')) this.#noteTexts(inside, text, result.kind === 'faults' ? undefined : result.value);
    if (result.kind === 'faults' || typeof result.value === 'string') return this.expand(text, depth);
    return new Expanded(this.#expandValue(result.value, depth) as Expanded['value'], this.#textOf(text));
  }

  /** Notes the text of a reference, and the scalars in it where it is YAML of another type. */
  #noteTexts(inside: string, text: string, value: unknown): void {
    const note = (scalar: unknown): void => {
      if (typeof scalar === 'object' && scalar !== null) for (const each of Object.values(scalar)) note(each);
      else if (scalar !== undefined && scalar !== null) this.#notes.expanded(`\${${inside}}`, String(scalar));
    };
    note(text);
    note(value);
  }

  /** The value of a reference as text alone: a typed value need not be made at every level to be thrown away. */
  #resolveText(inside: string): string {
    return String(expandTemplate(this.#fetch(inside) ?? '', (inner) => this.#resolveText(inner)));
  }

  #expandValue(value: ConfigValue, depth: number): ConfigValue {
    if (depth > maxDepth) throw new Unresolvable('the expanded value is nested too deeply', 'make it flatter');
    if (typeof value === 'string') return this.expand(value, depth);
    if (Array.isArray(value)) return value.map((item) => this.#expandValue(item, depth + 1));
    return isMap(value) ? mapValues(value, (item) => this.#expandValue(item, depth + 1)) : value;
  }

  /** The text of a typed value; `undefined` when it cannot be expanded, which a reader of the typed value need not know. */
  #textOf(text: string): string | undefined {
    try {
      return String(expandTemplate(text, (inside) => this.#resolveText(inside)));
    } catch (error) {
      if (error instanceof Unresolvable) return undefined;
      throw error;
    }
  }

  /** The text that the inside of `${…}` names; `undefined` when it is an unset variable. */
  #fetch(inside: string): string | undefined {
    if (--this.#expansionsLeft < 0) throw tooManyExpansions();
    if (inside.includes('$')) {
      throw new Unresolvable(`the reference "${inside}" contains unsupported characters ('$')`, 'write it without $');
    }
    const [, scheme, rest] = /^([A-Za-z][A-Za-z0-9+.-]+):(.*)$/s.exec(inside) ?? [];
    if (scheme === undefined && !inside.includes(':')) return this.#fetchVariable(inside, undefined);
    if (scheme === 'env') {
      const [name, ...fallback] = rest!.split(':-');
      return this.#fetchVariable(name!, fallback.length > 0 ? fallback.join(':-') : undefined);
    }
    if (scheme === 'file') return this.#fetchFile(rest!);
    if (scheme === 'yaml') return rest!;
    throw unknownScheme(inside);
  }

  #fetchVariable(name: string, fallback: string | undefined): string | undefined {
    if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name)) {
      throw new Unresolvable(
        `environment variable ${JSON.stringify(name)} has invalid name`,
        'use letters, digits and underscores, and no digit at the start, or write $${ for a literal ${',
      );
    }
    const text = Object.hasOwn(this.#surroundings.env, name) ? this.#surroundings.env[name] : undefined;
    if (text === undefined && fallback === undefined) {
      this.#notes.warn(
        `environment variable "${name}" is not set, so the value is empty; set it or write \${env:${name}:-default}`,
      );
    }
    return text ?? fallback;
  }

  #fetchFile(path: string): string {
    try {
      // A file with one secret in it nearly always ends in a newline that is no part of the secret.
      return this.#surroundings.readFile(path).replace(/\r?\n$/, '');
    } catch (error) {
      throw new Unresolvable(
        `file "${path}" cannot be read (${messageOf(error)})`,
        'correct the path or its permissions',
      );
    }
  }
}

/**
 * Names in the old syntax `$NAME`, which is no reference: a whole text of that form, or a variable that is set. Other
 * texts may hold a "$" of their own, such as a password.
 */
function bareNames(text: string, env: Surroundings['env']): readonly string[] {
  const names = [...text.matchAll(/(?<!\$)\$([A-Z_][A-Z0-9_]*)/g)].map(([, name]) => name!);
  return names.filter((name) => text === `$${name}` || (env[name] !== undefined && Object.hasOwn(env, name)));
}

function tooManyExpansions(): Unresolvable {
  return new Unresolvable('too many recursive expansions', 'look for a variable or file that refers to itself');
}

function unknownScheme(inside: string): Unresolvable {
  const scheme = inside.slice(0, inside.indexOf(':'));
  const problem = `scheme "${scheme}" is not supported for "${inside}"`;
  if (inside.includes(':-')) return new Unresolvable(problem, `write \${env:${inside}} for a variable with a default`);
  const close = nearest(scheme, schemes);
  const remedy = close === undefined ? 'use env, file or yaml' : `did you mean "${close}"? Use env, file or yaml`;
  return new Unresolvable(problem, `${remedy}, or write $\${ for a literal \${`);
}

function mapValues(
  map: { readonly [key: string]: ConfigValue },
  change: (value: ConfigValue, key: string) => ConfigValue,
) {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, change(value, key)]));
}

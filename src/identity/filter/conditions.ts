import type { AnyValue } from '../../otlp/profiles-data.ts';
import { LinearRegExp } from '../../support/linear-regexp.ts';
import { textOfValue } from '../resource/resource-actions.ts';
import type { ResourceDraft } from '../resource-draft.ts';

/** Tells a resource by its attributes. */
export type ResourceCondition = (resource: ResourceDraft) => boolean;

/** Forms that are read, for messages. */
export const conditionForms =
  'resource.attributes["key"] == "value" (also !=, <, <=, >, >=, with a number, true, false or nil), ' +
  'IsMatch(resource.attributes["key"], "pattern"), with and, or, not and parentheses';

interface Token {
  readonly kind: 'text' | 'number' | 'word' | 'sign' | 'end';
  readonly text: string;
  readonly at: number;
}

type Operand = (resource: ResourceDraft) => AnyValue;

// No condition of a person is as deep.
const maxDepth = 50;

/**
 * Reads a condition of the OpenTelemetry Transformation Language that compares attributes of a resource
 * (https://github.com/open-telemetry/opentelemetry-collector-contrib/blob/main/pkg/ottl/LANGUAGE.md). `isResourceContext`: the
 * list is one of resources, so `attributes["key"]` is theirs.
 * @throws SyntaxError that names the place of what is not read here
 */
export function parseCondition(text: string, isResourceContext = false): ResourceCondition {
  const parser = new ConditionParser(text, isResourceContext);
  return parser.parse();
}

const token =
  /\s*(?:("(?:[^"\\]|\\.)*")|([-+]?(?:\d*\.\d+(?:[eE][-+]?\d+)?|\d+(?![\dx])))|([A-Za-z_][A-Za-z0-9_.]*)|(==|!=|<=|>=|<|>|\(|\)|\[|\]|,)|$)/y;

class ConditionParser {
  readonly #text: string;
  readonly #isResourceContext: boolean;
  #at = 0;
  #depth = 0;
  #next: Token;

  constructor(text: string, isResourceContext: boolean) {
    this.#text = text;
    this.#isResourceContext = isResourceContext;
    this.#next = this.#read();
  }

  parse(): ResourceCondition {
    const condition = this.#either();
    if (this.#next.kind !== 'end') throw this.#fault();
    return condition;
  }

  #either(): ResourceCondition {
    if (++this.#depth > maxDepth) throw new SyntaxError('it is nested too deeply');
    const ways = [this.#both()];
    while (this.#takeWord('or')) ways.push(this.#both());
    this.#depth--;
    return ways.length === 1 ? ways[0]! : (resource) => ways.some((way) => way(resource));
  }

  #both(): ResourceCondition {
    const parts = [this.#one()];
    while (this.#takeWord('and')) parts.push(this.#one());
    return parts.length === 1 ? parts[0]! : (resource) => parts.every((part) => part(resource));
  }

  #one(): ResourceCondition {
    if (this.#takeWord('not')) {
      if (++this.#depth > maxDepth) throw new SyntaxError('it is nested too deeply');
      const negated = this.#one();
      this.#depth--;
      return (resource) => !negated(resource);
    }
    if (this.#takeSign('(')) {
      const inner = this.#either();
      this.#need(')');
      return inner;
    }
    if (this.#takeWord('IsMatch')) return this.#match();
    return this.#comparison();
  }

  #match(): ResourceCondition {
    this.#need('(');
    const operand = this.#operand();
    this.#need(',');
    if (this.#next.kind !== 'text') throw this.#fault();
    const pattern = new LinearRegExp(textOf(this.#take().text));
    this.#need(')');
    // As the Collector matches other values: by their text, lists and maps as JSON.
    return (resource) => {
      const value = operand(resource);
      return value !== undefined && pattern.test(textOfValue(value));
    };
  }

  #comparison(): ResourceCondition {
    const isConstant = this.#next.text === 'true' || this.#next.text === 'false';
    const left = this.#operand();
    const compare = this.#next.kind === 'sign' ? comparisons[this.#next.text] : undefined;
    if (compare === undefined && isConstant) return (resource) => left(resource) === true;
    if (compare === undefined) throw this.#fault();
    this.#take();
    const right = this.#operand();
    return (resource) => compare(left(resource), right(resource));
  }

  #operand(): Operand {
    const { kind, text } = this.#next;
    if (kind === 'text') {
      const value = textOf(this.#take().text);
      return () => value;
    }
    if (kind === 'number') {
      const value = /\./.test(this.#take().text) ? Number(text) : BigInt(text.replace('+', ''));
      return () => value;
    }
    if (kind === 'word' && Object.hasOwn(constants, text)) {
      this.#take();
      return () => constants[text];
    }
    const isAttribute = text === 'resource.attributes' || (this.#isResourceContext && text === 'attributes');
    if (kind !== 'word' || !isAttribute) throw this.#fault();
    this.#take();
    this.#need('[');
    if (this.#next.kind !== 'text') throw this.#fault();
    const key = textOf(this.#take().text);
    this.#need(']');
    return (resource) => resource.get(key);
  }

  #takeWord(word: string): boolean {
    const isThere = this.#next.kind === 'word' && this.#next.text === word;
    if (isThere) this.#take();
    return isThere;
  }

  #takeSign(sign: string): boolean {
    const isThere = this.#next.kind === 'sign' && this.#next.text === sign;
    if (isThere) this.#take();
    return isThere;
  }

  #need(sign: string): void {
    if (!this.#takeSign(sign)) throw this.#fault();
  }

  #take(): Token {
    const taken = this.#next;
    this.#next = this.#read();
    return taken;
  }

  #read(): Token {
    token.lastIndex = this.#at;
    const found = token.exec(this.#text);
    const rest = this.#text.slice(this.#at).trimStart();
    const at = this.#text.length - rest.length;
    if (found === null) throw new SyntaxError(`"${rest.slice(0, 40)}" at column ${at + 1} is not read here`);
    this.#at = token.lastIndex;
    const [, text, number, word, sign] = found;
    if (text !== undefined) return { kind: 'text', text, at };
    if (number !== undefined) return { kind: 'number', text: number, at };
    if (word !== undefined) return { kind: 'word', text: word, at };
    return sign === undefined ? { kind: 'end', text: '', at } : { kind: 'sign', text: sign, at };
  }

  #fault(): SyntaxError {
    const { kind, text, at } = this.#next;
    if (kind === 'end') return new SyntaxError('it ends too early');
    return new SyntaxError(`"${text}" at column ${at + 1} is not read here`);
  }
}

const constants: Readonly<Record<string, AnyValue>> = { nil: undefined, true: true, false: false };

const comparisons: Readonly<Record<string, (left: AnyValue, right: AnyValue) => boolean>> = {
  '==': isEqual,
  '!=': (left, right) => !isEqual(left, right),
  '<': ordered((order) => order < 0),
  '<=': ordered((order) => order <= 0),
  '>': ordered((order) => order > 0),
  '>=': ordered((order) => order >= 0),
};

function isEqual(left: AnyValue, right: AnyValue): boolean {
  // biome-ignore lint/suspicious/noDoubleEquals: a whole number equals the same one with a point.
  return isNumber(left) && isNumber(right) ? left == right : left === right;
}

/** Two texts, two numbers or two booleans in order; two absent values are equal, any other two have no order. */
function ordered(holds: (order: number) => boolean): (left: AnyValue, right: AnyValue) => boolean {
  return (left, right) => {
    if (left === undefined && right === undefined) return holds(0);
    const areAlike = ['string', 'boolean'].includes(typeof left) && typeof left === typeof right;
    if (!areAlike && !(isNumber(left) && isNumber(right))) return false;
    return holds(left! < right! ? -1 : left! > right! ? 1 : 0);
  };
}

function isNumber(value: AnyValue): value is bigint | number {
  return typeof value === 'bigint' || typeof value === 'number';
}

/** The text of a literal in quotes, with the escapes of Go's strings. */
function textOf(literal: string): string {
  return literal
    .slice(1, -1)
    .replace(/\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|.)/gs, (all, form: string) => {
      const point = /^[xuU]./.test(form) ? Number.parseInt(form.slice(1), 16) : Number.parseInt(form, 8);
      if (form.length > 1 && point <= 0x10ffff) return String.fromCodePoint(point);
      const character = escapes[form];
      if (character === undefined) throw new SyntaxError(`"${all}" is no escape; a backslash is written as \\\\`);
      return character;
    });
}

const escapes: Readonly<Record<string, string>> = {
  ...{ a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' },
  ...{ '\\': '\\', '"': '"' },
};

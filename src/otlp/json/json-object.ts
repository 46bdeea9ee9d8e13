import { InvalidMessage } from '../../model/invalid-message.ts';
import { noBytes, noElements } from '../profiles-data.ts';

/** Runs a JSON parser. @throws InvalidMessage when the text is not JSON */
export function parseJson(parse: () => unknown): unknown {
  try {
    return parse();
  } catch (error) {
    throw new InvalidMessage('', `is not JSON: ${error instanceof Error ? error.message : error}`);
  }
}

/**
 * One message as OTLP/JSON, read field by field under its name in lowerCamelCase (snake_case is taken too). A field that is
 * missing or null has the zero value; unknown fields are ignored.
 */
export class JsonObject {
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #depth: number;

  /** @throws InvalidMessage when the value is not an object */
  constructor(value: unknown, depth = 0) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new InvalidMessage('', `is ${describe(value)} where an object belongs`);
    }
    if (depth > maxDepth) throw new InvalidMessage('', `is nested deeper than ${maxDepth} messages`);
    this.#fields = value as Record<string, unknown>;
    this.#depth = depth;
  }

  has(name: string): boolean {
    return this.#value(name) !== undefined;
  }

  text(name: string): string {
    const value = this.#value(name);
    return value === undefined ? '' : toText(snakeCase(name), value);
  }

  texts(name: string): readonly string[] {
    return this.#list(name, toText);
  }

  bool(name: string): boolean {
    const value = this.#value(name);
    if (value === undefined || typeof value === 'boolean') return value ?? false;
    throw wrongType(snakeCase(name), value, 'true or false');
  }

  int32(name: string): number {
    const value = this.#value(name);
    return value === undefined ? 0 : toInt32(snakeCase(name), value);
  }

  int32s(name: string): readonly number[] {
    return this.#list(name, toInt32);
  }

  uint32(name: string): number {
    const value = this.#value(name);
    return value === undefined ? 0 : Number(toInteger(snakeCase(name), value, 0n, 2n ** 32n - 1n));
  }

  int64(name: string): bigint {
    const value = this.#value(name);
    return value === undefined ? 0n : toInt64(snakeCase(name), value);
  }

  int64s(name: string): readonly bigint[] {
    return this.#list(name, toInt64);
  }

  uint64(name: string): bigint {
    const value = this.#value(name);
    return value === undefined ? 0n : toUint64(snakeCase(name), value);
  }

  uint64s(name: string): readonly bigint[] {
    return this.#list(name, toUint64);
  }

  double(name: string): number {
    const value = this.#value(name);
    if (value === undefined) return 0;
    if (typeof value === 'number' || typeof value === 'bigint') return Number(value);
    if (typeof value === 'string' && doubleText.test(value)) return Number(value);
    throw wrongType(snakeCase(name), value, 'a number');
  }

  /** IDs, in either case. */
  hex(name: string): Uint8Array {
    return this.#bytes(name, /^(?:[0-9a-fA-F]{2})*$/, 'hex');
  }

  /** Standard or URL-safe, with or without padding. */
  base64(name: string): Uint8Array {
    const bytes = this.#bytes(name, /^[\w+/-]*={0,2}$/, 'base64');
    const value = this.#value(name) as string | undefined;
    if (value !== undefined && !isBase64Length(value)) throw wrongType(snakeCase(name), value, 'base64');
    return bytes;
  }

  /** Reads one message; an empty one where it is missing. */
  object<T>(name: string, read: (object: JsonObject) => T): T {
    return this.#readObject(snakeCase(name), this.#value(name) ?? {}, read);
  }

  objects<T>(name: string, read: (object: JsonObject) => T): readonly T[] {
    return this.#list(name, (path, value) => this.#readObject(path, value, read));
  }

  #value(name: string): unknown {
    return this.#fields[name] ?? this.#fields[snakeCase(name)] ?? undefined;
  }

  #list<T>(name: string, convert: (path: string, value: unknown) => T): readonly T[] {
    const value = this.#value(name);
    if (value === undefined) return noElements;
    if (!Array.isArray(value)) throw wrongType(snakeCase(name), value, 'a list');
    return value.map((item, index) => convert(`${snakeCase(name)}[${index}]`, item));
  }

  #readObject<T>(path: string, value: unknown, read: (object: JsonObject) => T): T {
    try {
      return read(new JsonObject(value, this.#depth + 1));
    } catch (error) {
      throw error instanceof InvalidMessage ? error.within(path) : error;
    }
  }

  #bytes(name: string, shape: RegExp, encoding: 'hex' | 'base64'): Uint8Array {
    const value = this.#value(name);
    if (value === undefined || value === '') return noBytes;
    if (typeof value !== 'string' || !shape.test(value)) throw wrongType(snakeCase(name), value, encoding);
    return new Uint8Array(Buffer.from(value, encoding));
  }
}

// By arithmetic: a pattern that repeats groups of four runs out of stack on megabytes.
function isBase64Length(text: string): boolean {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  return padding === 0 ? text.length % 4 !== 1 : text.length % 4 === 0;
}

const maxDepth = 100;

const doubleText = /^(?:NaN|-?Infinity|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)$/;

const snakeNames = new Map<string, string>();

function snakeCase(name: string): string {
  let snake = snakeNames.get(name);
  if (snake === undefined) {
    snake = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    // Bounded: only names of the schema are asked for.
    snakeNames.set(name, snake);
  }
  return snake;
}

function toText(path: string, value: unknown): string {
  if (typeof value !== 'string') throw wrongType(path, value, 'text');
  if (!value.isWellFormed())
    throw new InvalidMessage(path, 'holds half of a surrogate pair, which is not valid Unicode');
  return value;
}

function toInt32(path: string, value: unknown): number {
  if (Number.isInteger(value) && value === ((value as number) | 0)) return value;
  return Number(toInteger(path, value, -(2n ** 31n), 2n ** 31n - 1n));
}

function toInt64(path: string, value: unknown): bigint {
  return toInteger(path, value, -(2n ** 63n), 2n ** 63n - 1n);
}

function toUint64(path: string, value: unknown): bigint {
  return toInteger(path, value, 0n, 2n ** 64n - 1n);
}

function toInteger(path: string, value: unknown, min: bigint, max: bigint): bigint {
  const isInteger = Number.isInteger(value) || typeof value === 'bigint';
  if (!isInteger && !(typeof value === 'string' && /^-?\d{1,20}$/.test(value))) {
    throw wrongType(path, value, 'a whole number');
  }
  const integer = BigInt(value as string | number | bigint);
  if (integer < min || integer > max) throw new InvalidMessage(path, `is ${integer}, outside ${min}..${max}`);
  return integer;
}

function wrongType(path: string, value: unknown, wanted: string): InvalidMessage {
  return new InvalidMessage(path, `is ${describe(value)} where ${wanted} belongs`);
}

function describe(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  const text = String(value);
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}

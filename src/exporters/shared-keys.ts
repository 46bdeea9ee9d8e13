import { choice, converted, flag, integer, secretMap, section } from '../config/config-keys.ts';
import type { ConfigSection } from '../config/config-section.ts';
import type { ConfigKey } from '../config/config-table.ts';
import { configTable } from '../config/config-table.ts';
import type { DialectName, DialectOptions } from '../profile/dialects/dialect.ts';
import { defaultDialectOptions, dialectNames } from '../profile/dialects/dialect.ts';
import type { Secret } from '../support/secret.ts';

/** Key `dialect`. */
export const dialectKey: ConfigKey<DialectName> = choice(
  'dialect',
  { choices: dialectNames, fallback: 'generic' },
  'Backend that profiles are written for. An exporter that takes its endpoint from the environment takes `FRAMEKEEPER_DIALECT` from there too.',
);

/** Key `dialect_options`. */
export const dialectOptionsKey: ConfigKey<DialectOptions> = section(
  'dialect_options',
  configTable({
    title: 'Options of a dialect',
    about: 'Options of the dialect; each has an effect in one dialect alone.',
    keys: {
      underscores: flag(
        'underscores',
        { fallback: defaultDialectOptions.underscores },
        '`pyroscope`: keys of labels have `_` in place of dots, so that every client lists them.',
      ),
      functionsTwice: flag(
        'functions_twice',
        { fallback: defaultDialectOptions.functionsTwice },
        '`parca`: each function is in its table twice, because Parca up to v0.28.0 shows the entry before the one that a line names. `false` for a Parca that reads the table by index.',
      ),
    },
  }),
);

/** Key `optional`. */
export const optionalKey: ConfigKey<boolean> = flag(
  'optional',
  { fallback: false },
  'An empty endpoint switches the exporter off, instead of being a fault.',
);

/** OTLP lets a client send this much at most (https://opentelemetry.io/docs/specs/otlp/). */
const otlpMaxBytes = 64 * 1024 * 1024;

/** Key `max_request_bytes`. */
export function maxRequestBytesKey(fallback: number): ConfigKey<number> {
  const meaning = 'Bytes of a request as protobuf, before compression; larger requests are split.';
  return integer('max_request_bytes', { fallback, min: 1024, max: otlpMaxBytes }, meaning);
}

/** Headers that a protocol can carry. */
export interface HeaderRules {
  /** Names in lower case that are a header of the protocol. */
  readonly isName: (name: string) => boolean;
  /** The problem with other names. */
  readonly problem: string;
  readonly value: RegExp;
  /** Headers that the exporter says itself. */
  readonly own: ReadonlySet<string>;
}

/** Key `headers`. */
export function headersKey(meaning: string, rules: HeaderRules): ConfigKey<ReadonlyMap<string, Secret>> {
  return converted(secretMap('headers', meaning), (written, section) => takeHeaders(written, section, rules));
}

/** Refuses headers that would be an error at each request, or would contradict the exporter's own. */
function takeHeaders(
  written: ReadonlyMap<string, Secret>,
  section: ConfigSection,
  { isName, problem, value, own }: HeaderRules,
): ReadonlyMap<string, Secret> {
  const headers = new Map<string, Secret>();
  for (const [name, secret] of written) {
    const key = name.toLowerCase();
    const path = `headers.${name}`;
    if (!isName(key)) section.addProblem(path, problem, 'use letters, digits, "_", "-" and "."');
    else if (own.has(key)) section.addProblem(path, 'is said by the exporter itself', 'remove it');
    else if (!value.test(secret.reveal())) {
      section.addProblem(path, 'has a value with other than printable ASCII characters', 'encode the value');
    } else headers.set(key, secret);
  }
  return headers;
}

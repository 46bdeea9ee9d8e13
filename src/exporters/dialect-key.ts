import { choice, flag, section } from '../config/config-keys.ts';
import type { ConfigKey } from '../config/config-table.ts';
import { configTable } from '../config/config-table.ts';
import type { DialectName, DialectOptions } from '../profile/dialects/dialect.ts';
import { defaultDialectOptions, dialectNames } from '../profile/dialects/dialect.ts';

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

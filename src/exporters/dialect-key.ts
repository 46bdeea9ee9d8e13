import { choice } from '../config/config-keys.ts';
import type { ConfigKey } from '../config/config-table.ts';
import type { DialectName } from '../profile/dialects/dialect.ts';
import { dialectNames } from '../profile/dialects/dialect.ts';

/** Key `dialect`. */
export const dialectKey: ConfigKey<DialectName> = choice(
  'dialect',
  { choices: dialectNames, fallback: 'generic' },
  'Backend that profiles are written for.',
);

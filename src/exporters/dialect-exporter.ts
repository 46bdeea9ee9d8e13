import type { ConfigSection } from '../config/config-section.ts';
import type { DialectName } from '../profile/dialects/dialect.ts';
import { dialectNames } from '../profile/dialects/dialect.ts';

/** Reads `dialect`: the backend that profiles are written for. */
export function readDialect(section: ConfigSection): DialectName {
  return section.oneOf('dialect', 'generic', dialectNames);
}

import { decodeJson } from '../../src/otlp/json/decode-profiles-json.ts';
import type { ListedProfiles } from './with-lists.ts';
import { withLists } from './with-lists.ts';

/** The profiles of an OTLP/JSON text alone. */
export function decodeProfilesJson(text: string): ListedProfiles {
  return withLists(decodeJson(text).data);
}

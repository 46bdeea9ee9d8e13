import { decodeJson } from '../../src/otlp/json/decode-profiles-json.ts';
import type { ProfilesData } from '../../src/otlp/profiles-data.ts';

/** The profiles of an OTLP/JSON text alone. */
export function decodeProfilesJson(text: string): ProfilesData {
  return decodeJson(text).data;
}

import type { ExportResponse } from '../protobuf/export-response.ts';
import { JsonObject, parseJson } from './json-object.ts';

/** `ExportProfilesServiceResponse` as OTLP/JSON: without `partialSuccess` for full success, as the specification wants it. */
export function encodeExportResponseJson({ rejectedProfiles, errorMessage }: ExportResponse): string {
  if (rejectedProfiles === 0n && errorMessage === '') return '{}';
  return JSON.stringify({
    partialSuccess: {
      // JSON.stringify leaves out undefined fields.
      rejectedProfiles: rejectedProfiles === 0n ? undefined : String(rejectedProfiles),
      errorMessage: errorMessage === '' ? undefined : errorMessage,
    },
  });
}

/** Reads `ExportProfilesServiceResponse` as OTLP/JSON. @throws InvalidMessage */
export function decodeExportResponseJson(text: string): ExportResponse {
  return new JsonObject(parseJson(() => JSON.parse(text))).object('partialSuccess', (partialSuccess) => ({
    rejectedProfiles: partialSuccess.int64('rejectedProfiles'),
    errorMessage: partialSuccess.text('errorMessage'),
  }));
}

import { InvalidMessage } from '../../model/invalid-message.ts';
import { JsonObject } from '../json/json-object.ts';
import type { ExportResponse } from './export-response.ts';

/** `ExportProfilesServiceResponse` as OTLP/JSON: without `partialSuccess` for full success, as the specification wants it. */
export function encodeExportResponseJson({ rejectedProfiles, errorMessage }: ExportResponse): string {
  if (rejectedProfiles === 0n && errorMessage === '') return '{}';
  return JSON.stringify({
    partialSuccess: {
      // JSON.stringify leaves out what is undefined.
      rejectedProfiles: rejectedProfiles === 0n ? undefined : String(rejectedProfiles),
      errorMessage: errorMessage === '' ? undefined : errorMessage,
    },
  });
}

/** Reads `ExportProfilesServiceResponse` as OTLP/JSON. @throws InvalidMessage */
export function decodeExportResponseJson(text: string): ExportResponse {
  return new JsonObject(parse(text)).object('partialSuccess', (partialSuccess) => ({
    rejectedProfiles: partialSuccess.int64('rejectedProfiles'),
    errorMessage: partialSuccess.text('errorMessage'),
  }));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InvalidMessage('', `is not JSON: ${error instanceof Error ? error.message : error}`);
  }
}

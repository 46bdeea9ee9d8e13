import { ProtobufReader } from './protobuf-reader.ts';
import { ProtobufWriter } from './protobuf-writer.ts';

/** Response of a server that took a request. Nothing rejected and no message: full success. */
export interface ExportResponse {
  /** Profiles, not samples. */
  readonly rejectedProfiles: bigint;
  /** Reason, for people; a warning when nothing was rejected. */
  readonly errorMessage: string;
}

/** The protobuf of `ExportProfilesServiceResponse`: empty for full success, as the specification wants it. */
export function encodeExportResponse(response: ExportResponse): Uint8Array {
  const writer = new ProtobufWriter(64 + 3 * response.errorMessage.length);
  writer.text(2, response.errorMessage);
  writer.int64(1, response.rejectedProfiles);
  if (writer.length > 0) writer.message(1, 0);
  return writer.finish();
}

/** @throws InvalidMessage */
export function decodeExportResponse(bytes: Uint8Array): ExportResponse {
  const draft = { rejectedProfiles: 0n, errorMessage: '' };
  const reader = new ProtobufReader(bytes, undefined);
  for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
    if (tag === 0x0a) reader.message('partial_success', draft, readPartialSuccess);
    else reader.skip();
  }
  return draft;
}

function readPartialSuccess(
  reader: ProtobufReader<undefined>,
  draft: { rejectedProfiles: bigint; errorMessage: string },
): void {
  for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
    if (tag === 0x08) draft.rejectedProfiles = reader.int64();
    else if (tag === 0x12) draft.errorMessage = reader.text();
    else reader.skip();
  }
}

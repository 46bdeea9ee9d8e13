import type { CallEnd } from '../../grpc/client-call.ts';
import type { GrpcStatus } from '../../grpc/status.ts';
import { status } from '../../grpc/status.ts';
import { InvalidMessage } from '../../model/invalid-message.ts';
import { decodeExportResponse } from '../../otlp/protobuf/export-response.ts';
import { readRetryDelayMs } from '../../otlp/protobuf/retry-info.ts';
import type { DialectName } from '../../profile/dialects/dialect.ts';
import { describeConnectionFault } from '../connection-fault.ts';
import type { SendResult, TooLarge } from '../export-client.ts';
import { shortenReason } from '../shorten-reason.ts';
import { codeName, partialCodes, retryableCodes } from './retryable-status.ts';

/** Facts of the receiver that decide the meaning of its errors. */
export interface CallReceiver {
  readonly dialect: DialectName;
  readonly isTls: boolean;
  /** The receiver has answered a call, now or before. */
  readonly hasAnswered: boolean;
}

/** Result of the call that carried a message of `sizeBytes`. Pure. */
export function resultOfCall(end: CallEnd, sizeBytes: number, receiver: CallReceiver): SendResult {
  if (end.status.code === status.OK) return accepted(end.response ?? new Uint8Array());
  return end.origin === 'lost' ? lost(end.status, receiver) : failed(end, sizeBytes, receiver);
}

function accepted(response: Uint8Array): SendResult {
  try {
    const { rejectedProfiles, errorMessage } = decodeExportResponse(response);
    return { kind: 'accepted', rejectedProfiles, message: errorMessage };
  } catch (error) {
    if (!(error instanceof InvalidMessage)) throw error;
    // The receiver said OK, so sending again would store the request twice.
    const reason = `Internal: the response is no ExportProfilesServiceResponse (${error.message})`;
    return { kind: 'permanent', errorType: 'Internal', reason };
  }
}

function lost({ details }: GrpcStatus, receiver: CallReceiver): SendResult {
  const errorType = codeName(status.UNAVAILABLE);
  const fault = describeConnectionFault(details, { ...receiver, protocol: 'grpc' });
  return { kind: 'retryable', errorType, reason: `${errorType}: the connection was lost (${fault})` };
}

function failed({ status: told, origin }: CallEnd, sizeBytes: number, receiver: CallReceiver): SendResult {
  const { code, details, detailsBin } = told;
  const errorType = codeName(code);
  const text = origin === 'unconnected' ? describeConnectionFault(details, { ...receiver, protocol: 'grpc' }) : details;
  const failure = { errorType, reason: `${errorType}: ${shortenReason(text)}` };
  const { dialect } = receiver;
  const isPartial = dialect === 'pyroscope' && partialCodes.has(code);
  const rule = retryableCodes.get(code);
  if (rule === undefined) return { kind: 'permanent', ...failure, ...(isPartial && { isPartial }) };
  const retryAfterMs = detailsBin && readRetryDelayMs(detailsBin);
  if (retryAfterMs !== undefined) return { kind: 'retryable', ...failure, retryAfterMs };
  const tooLarge = readTooLarge(code, details, sizeBytes);
  if (tooLarge !== undefined) return { kind: 'permanent', ...failure, tooLarge };
  // Pyroscope's rate limit comes without RetryInfo, and passes.
  const isRetryable = rule === 'always' || dialect === 'pyroscope';
  return { kind: isRetryable ? 'retryable' : 'permanent', ...failure, ...(isPartial && { isPartial }) };
}

/**
 * The limit that a status complains about, if it says that the message was larger than its receiver takes. gRPC has no code of its own
 * for that, so the text decides, as these write it: gRPC in Go, C++, Java, .NET and Node.js, connect-go (RESOURCE_EXHAUSTED)
 * and tonic (OUT_OF_RANGE). A limit that the message is within is another one, e.g. ours for responses.
 */
export function readTooLarge(code: number, details: string, sizeBytes: number): TooLarge | undefined {
  if (code !== status.RESOURCE_EXHAUSTED && code !== status.OUT_OF_RANGE) return undefined;
  if (!sizeComplaint.test(details)) return undefined;
  const limit = namedLimit.exec(details)?.[1];
  if (limit === undefined) return { limitBytes: undefined };
  return Number(limit) < sizeBytes ? { limitBytes: Number(limit) } : undefined;
}

const sizeComplaint = /larger than (?:configured )?max|size larger than|exceeds (?:the )?max|message length too large/i;

const namedLimit = /(?:vs\.? |max |maximum size |larger than |limit is: )(\d+)/;

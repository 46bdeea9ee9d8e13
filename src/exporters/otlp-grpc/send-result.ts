import type { ServiceError } from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';
import { InvalidMessage } from '../../model/invalid-message.ts';
import { decodeExportResponse } from '../../otlp/protobuf/export-response.ts';
import { readRetryDelayMs } from '../../otlp/protobuf/retry-info.ts';
import type { DialectName } from '../../profile/dialects/dialect.ts';
import { describeConnectionFault } from '../connection-fault.ts';
import type { SendResult, TooLarge } from '../export-client.ts';
import { shortenReason } from '../shorten-reason.ts';
import { codeName, partialCodes, retryableCodes } from './retryable-status.ts';

/** The end of a call. */
export interface CallEnd {
  readonly error: ServiceError | null;
  readonly response?: Buffer | undefined;
  /** The receiver has sent headers. */
  readonly isAnswered: boolean;
}

/** Facts of the receiver that decide what an error of its means. */
export interface CallReceiver {
  readonly dialect: DialectName;
  readonly isTls: boolean;
  /** The receiver has answered a call, now or before. */
  readonly hasAnswered: boolean;
}

/** Result of the call that carried a message of `sizeBytes`. Pure. */
export function resultOfCall(
  { error, response, isAnswered }: CallEnd,
  sizeBytes: number,
  receiver: CallReceiver,
): SendResult {
  if (error === null) return accepted(response ?? Buffer.alloc(0));
  return isConnectionLost(error, isAnswered) ? lost(error, receiver) : failed(error, sizeBytes, receiver);
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

function lost({ details }: ServiceError, receiver: CallReceiver): SendResult {
  const errorType = codeName(status.UNAVAILABLE);
  const fault = describeConnectionFault(details, { ...receiver, protocol: 'grpc' });
  return { kind: 'retryable', errorType, reason: `${errorType}: the connection was lost (${fault})` };
}

function failed({ code, details, metadata }: ServiceError, sizeBytes: number, receiver: CallReceiver): SendResult {
  // grpc-js has no status for a message in an encoding that it does not know (1.14.7, build/src/compression-filter.js). The receiver
  // has taken the request, so sending again would store it twice.
  if (code === undefined) return { kind: 'permanent', errorType: 'Internal', reason: 'Internal: unreadable response' };
  const errorType = codeName(code);
  // Of grpc-js, not of a receiver.
  const isUnconnected = code === status.UNAVAILABLE && details.includes('No connection established');
  const text = isUnconnected ? describeConnectionFault(details, { ...receiver, protocol: 'grpc' }) : details;
  const failure = { errorType, reason: `${errorType}: ${shortenReason(text)}` };
  const { dialect } = receiver;
  const isPartial = dialect === 'pyroscope' && partialCodes.has(code);
  const rule = retryableCodes.get(code);
  if (rule === undefined) return { kind: 'permanent', ...failure, ...(isPartial && { isPartial }) };
  const [detail] = metadata.get('grpc-status-details-bin');
  const retryAfterMs = detail instanceof Uint8Array ? readRetryDelayMs(detail) : undefined;
  if (retryAfterMs !== undefined) return { kind: 'retryable', ...failure, retryAfterMs };
  const tooLarge = readTooLarge(code, details, sizeBytes);
  if (tooLarge !== undefined) return { kind: 'permanent', ...failure, tooLarge };
  // Pyroscope's rate limit comes without RetryInfo, and passes.
  const isRetryable = rule === 'always' || dialect === 'pyroscope';
  return { kind: isRetryable ? 'retryable' : 'permanent', ...failure, ...(isPartial && { isPartial }) };
}

/**
 * True when a call failed because its connection was lost. grpc-js says UNAVAILABLE of most such calls, but INTERNAL of a call that ended
 * after a GOAWAY or by a fault of HTTP/2 itself (1.14.7, build/src/subchannel-call.js). A receiver that has sent neither
 * headers nor a status did not say INTERNAL.
 */
export function isConnectionLost(
  { code, details }: Pick<ServiceError, 'code' | 'details'>,
  isAnswered: boolean,
): boolean {
  return code === status.INTERNAL && !isAnswered && withoutStatus.test(details);
}

const withoutStatus = /^Received RST_STREAM with code (?:0 |\d+ triggered by internal client error)/;

/**
 * The limit that a status complains about, if it says that the message was larger than its receiver takes. gRPC has no code of its own
 * for that, so the text decides, as these write it: gRPC in Go, C++, Java, .NET and Node.js, connect-go (RESOURCE_EXHAUSTED)
 * and tonic (OUT_OF_RANGE). A limit that the message is within is another one, e.g. ours for responses.
 */
export function readTooLarge(code: status, details: string, sizeBytes: number): TooLarge | undefined {
  if (code !== status.RESOURCE_EXHAUSTED && code !== status.OUT_OF_RANGE) return undefined;
  if (!sizeComplaint.test(details)) return undefined;
  const limit = namedLimit.exec(details)?.[1];
  if (limit === undefined) return { limitBytes: undefined };
  return Number(limit) < sizeBytes ? { limitBytes: Number(limit) } : undefined;
}

const sizeComplaint = /larger than (?:configured )?max|size larger than|exceeds (?:the )?max|message length too large/i;

const namedLimit = /(?:vs\.? |max |maximum size |larger than |limit is: )(\d+)/;

import { InvalidMessage } from '../../model/invalid-message.ts';
import { decodeExportResponseJson } from '../../otlp/json/export-response-json.ts';
import type { ExportResponse } from '../../otlp/protobuf/export-response.ts';
import { decodeExportResponse } from '../../otlp/protobuf/export-response.ts';
import type { SendResult } from '../export-client.ts';
import { fullyAccepted } from '../export-client.ts';
import { readFailureMessage } from './failure-message.ts';
import { shownUrl } from './profiles-url.ts';
import { parseRetryAfterMs } from './retry-after.ts';
import { codeNameOf, retryableStatuses } from './retryable-statuses.ts';

/** A response as it came. */
export interface HttpAnswer {
  readonly status: number;
  /** One value of a header by its name in lower case; empty when there is none. */
  header(name: string): string;
  readonly body: Uint8Array;
  /** Whether the body was longer than what is read of one. */
  readonly isCut: boolean;
}

/** What a receiver's answer means for the request. Pure. */
export function judgeAnswer(answer: HttpAnswer, url: URL, nowUnixMs: number): SendResult {
  const { status } = answer;
  if (status >= 200 && status < 300) return accepted(answer, url);
  const errorType = codeNameOf(status);
  const reason = `${errorType}: ${describe(answer, url)}`;
  const rule = retryableStatuses.get(status);
  if (isTooLarge(answer)) return { kind: 'permanent', errorType, reason, tooLarge: { limitBytes: undefined } };
  if (rule === undefined) return { kind: 'permanent', errorType, reason };
  const retryAfterMs =
    rule === 'with Retry-After' ? parseRetryAfterMs(answer.header('retry-after'), nowUnixMs) : undefined;
  return { kind: 'retryable', errorType, reason, ...(retryAfterMs !== undefined && { retryAfterMs }) };
}

function accepted(answer: HttpAnswer, url: URL): SendResult {
  try {
    const { rejectedProfiles, errorMessage } = readResponse(answer);
    return { kind: 'accepted', rejectedProfiles, message: errorMessage };
  } catch (error) {
    if (!(error instanceof InvalidMessage)) throw error;
    // The receiver said OK, so sending again would store it twice.
    const reason = `Internal: ${shownUrl(url)} answered ${answer.status} with no ExportProfilesServiceResponse (${error.message})`;
    return { kind: 'permanent', errorType: 'Internal', reason };
  }
}

/** As in the Collector, a body of another type than OTLP's says nothing. @throws InvalidMessage */
function readResponse(answer: HttpAnswer): ExportResponse {
  const { body } = answer;
  if (body.length === 0) return noReservations;
  const contentType = contentTypeOf(answer);
  if (contentType !== 'application/x-protobuf' && contentType !== 'application/json') return noReservations;
  if (answer.isCut) throw new InvalidMessage('', 'is longer than 4 MiB');
  const encoding = answer.header('content-encoding').toLowerCase();
  if (encoding !== '' && encoding !== 'identity') {
    throw new InvalidMessage('', `is compressed with ${encoding}, which nobody asked for`);
  }
  return contentType === 'application/json'
    ? decodeExportResponseJson(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString())
    : decodeExportResponse(body);
}

/**
 * Whether the request was larger than its receiver takes. OTLP has it answer 413; the Collector answers 400 with the words of Go's
 * library (https://pkg.go.dev/net/http#MaxBytesError), as do others that are written in Go.
 */
function isTooLarge(answer: HttpAnswer): boolean {
  if (answer.status === 413) return true;
  return answer.status === 400 && readFailureMessage(contentTypeOf(answer), answer.body).includes(goSaysTooLarge);
}

const goSaysTooLarge = 'request body too large';

const noReservations: ExportResponse = { rejectedProfiles: fullyAccepted.rejectedProfiles, errorMessage: '' };

function describe(answer: HttpAnswer, url: URL): string {
  const answered = `${shownUrl(url)} answered ${answer.status}`;
  if (answer.status >= 300 && answer.status < 400) {
    const target = URL.parse(answer.header('location'), url.href);
    const where = target === null ? '' : ` to ${shownUrl(target)}`;
    return `${answered}, a redirect${where}, and redirects are not followed; name the new address in the configuration`;
  }
  const message = readFailureMessage(contentTypeOf(answer), answer.body);
  return message === '' ? answered : `${answered}: ${message}`;
}

/** Without parameters such as the charset. */
function contentTypeOf(answer: HttpAnswer): string {
  return answer.header('content-type').split(';', 1)[0]!.trim().toLowerCase();
}

import { InvalidMessage } from '../../model/invalid-message.ts';
import { decodeExportResponseJson } from '../../otlp/json/export-response-json.ts';
import type { ExportResponse } from '../../otlp/protobuf/export-response.ts';
import { decodeExportResponse } from '../../otlp/protobuf/export-response.ts';
import type { DialectName } from '../../profile/dialects/dialect.ts';
import type { SendResult } from '../export-client.ts';
import { fullyAccepted } from '../export-client.ts';
import { shortenReason } from '../shorten-reason.ts';
import { readFailureMessage } from './failure-message.ts';
import { shownUrl } from './otlp-http-config.ts';
import { codeNameOf, parseRetryAfterMs, partialStatuses, retryRuleOf } from './retryable-status.ts';

/** A response as it came. */
export interface HttpResponse {
  readonly status: number;
  /** One value of a header by its name in lower case; empty when the response has none. */
  header(name: string): string;
  readonly body: Uint8Array;
  /** The body was longer than the bound on reading it. */
  readonly isCut: boolean;
}

/** Result of the request that got the response from `url`. Pure. */
export function resultOfResponse(
  response: HttpResponse,
  { url, dialect, nowUnixMs }: { readonly url: URL; readonly dialect: DialectName; readonly nowUnixMs: number },
): SendResult {
  const { status } = response;
  if (status >= 200 && status < 300) return accepted(response, url);
  const errorType = codeNameOf(status);
  const message = readFailureMessage(contentTypeOf(response), response.body);
  const failure = { errorType, reason: `${errorType}: ${describe(response, message, url)}` };
  if (isTooLarge(status, message)) return { kind: 'permanent', ...failure, tooLarge: { limitBytes: undefined } };
  const isPartial = dialect === 'pyroscope' && partialStatuses.has(status);
  const rule = retryRuleOf(status, message, dialect);
  if (rule === undefined) return { kind: 'permanent', ...failure, ...(isPartial && { isPartial }) };
  const header = response.header('retry-after');
  const retryAfterMs = rule === 'with Retry-After' ? parseRetryAfterMs(header, nowUnixMs) : undefined;
  return {
    ...{ kind: 'retryable', ...failure },
    ...(isPartial && status !== 500 && { isPartial }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
}

function accepted(response: HttpResponse, url: URL): SendResult {
  try {
    const { rejectedProfiles, errorMessage } = readExportResponse(response);
    return { kind: 'accepted', rejectedProfiles, message: errorMessage };
  } catch (error) {
    if (!(error instanceof InvalidMessage)) throw error;
    // The receiver said OK, so sending again would store the request twice.
    const reason = `Internal: ${shownUrl(url)} answered ${response.status} with no ExportProfilesServiceResponse (${error.message})`;
    return { kind: 'permanent', errorType: 'Internal', reason };
  }
}

/** As in the Collector, a body of another type than OTLP's says nothing. @throws InvalidMessage */
function readExportResponse(response: HttpResponse): ExportResponse {
  const { body } = response;
  if (body.length === 0) return fullyTaken;
  const contentType = contentTypeOf(response);
  if (contentType !== 'application/x-protobuf' && contentType !== 'application/json') return fullyTaken;
  if (response.isCut) throw new InvalidMessage('', 'is longer than 4 MiB');
  const encoding = response.header('content-encoding').toLowerCase();
  if (encoding !== '' && encoding !== 'identity') {
    throw new InvalidMessage('', `is compressed with ${encoding}, which nobody asked for`);
  }
  return contentType === 'application/json'
    ? decodeExportResponseJson(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString())
    : decodeExportResponse(body);
}

/**
 * True when the request was larger than its receiver takes. OTLP has it answer 413; the Collector answers 400 with the words of Go's
 * library (https://pkg.go.dev/net/http#MaxBytesError), as do others that are written in Go.
 */
function isTooLarge(status: number, message: string): boolean {
  return status === 413 || (status === 400 && message.includes(goSaysTooLarge));
}

const goSaysTooLarge = 'request body too large';

const fullyTaken: ExportResponse = { rejectedProfiles: fullyAccepted.rejectedProfiles, errorMessage: '' };

function describe(response: HttpResponse, message: string, url: URL): string {
  const answered = `${shownUrl(url)} answered ${response.status}`;
  if (response.status >= 300 && response.status < 400) {
    const target = URL.parse(response.header('location'), url.href);
    const where = target === null ? '' : ` to ${shownUrl(target)}`;
    return `${answered}, a redirect${where}, and redirects are not followed; name the new address in the configuration`;
  }
  const reason = shortenReason(message);
  return reason === '' ? answered : `${answered}: ${reason}`;
}

/** Without parameters such as the charset. */
function contentTypeOf(response: HttpResponse): string {
  return response.header('content-type').split(';', 1)[0]!.trim().toLowerCase();
}

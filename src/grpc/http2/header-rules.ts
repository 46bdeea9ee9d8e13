/** A rule that headers break: they say what no request may say, or are more than may be. */
export type HeaderFault = 'malformed' | 'too_large';

/** Headers of HTTP/1, which say how a connection is used (RFC 9113, 8.2.2). */
const connectionNames: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);

/** Names of headers whose first value counts where they come again: one of them is all that there may be. */
const singleNames: ReadonlySet<string> = new Set([
  'authorization',
  'content-encoding',
  'content-length',
  'content-type',
  'host',
  'proxy-authorization',
  'user-agent',
]);

const colon = 0x3a;

/** Of HTTP/2 itself, as `:path`. */
export function isPseudo(name: string): boolean {
  return name.charCodeAt(0) === colon;
}

/** A field that may be in a request (RFC 9113, 8.2.1). Spaces around a value are let pass: clients send what their users have configured. */
export function isSoundField(name: string, value: string): boolean {
  if (connectionNames.has(name) || (name === 'te' && value.toLowerCase() !== 'trailers')) return false;
  if (name === '') return false;
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    const isUpperCase = code >= 0x41 && code <= 0x5a;
    if (code <= 0x20 || code >= 0x7f || isUpperCase || (code === colon && i > 0)) return false;
  }
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code === 0 || code === 0x0a || code === 0x0d) return false;
  }
  return true;
}

/** The value of a header that has come again; `undefined` where that must not be. */
export function joined(name: string, known: string, value: string): string | undefined {
  if (isPseudo(name)) return undefined;
  if (name === 'content-length' && known !== value) return undefined;
  if (singleNames.has(name)) return known;
  return name === 'cookie' ? `${known}; ${value}` : `${known}, ${value}`;
}

/** The headers with which a request begins are whole (RFC 9113, 8.3.1), and there are no more of HTTP/2 itself. */
export function isRequest(headers: Readonly<Record<string, string>>): boolean {
  const path = headers[':path'];
  const isConnect = headers[':method'] === 'CONNECT';
  if (!headers[':method']) return false;
  if (isConnect ? path !== undefined || headers[':scheme'] !== undefined : !path || !headers[':scheme']) return false;
  if (!isConnect && !path!.startsWith('/') && path !== '*') return false;
  const length = headers['content-length'];
  if (length !== undefined && !/^\d{1,15}$/.test(length)) return false;
  return pseudoCount(headers) === (isConnect ? 1 : 3) + (headers[':authority'] === undefined ? 0 : 1);
}

/** Nothing of HTTP/2 itself is in trailers. */
export function isTrailer(headers: Readonly<Record<string, string>>): boolean {
  return pseudoCount(headers) === 0;
}

// All names are looked at: an object has names of digits before all others, whatever came first.
function pseudoCount(headers: Readonly<Record<string, string>>): number {
  let count = 0;
  for (const name in headers) if (isPseudo(name)) count++;
  return count;
}

/** Circumstances of a connection that failed. */
export interface Connecting {
  readonly protocol: 'grpc' | 'http';
  readonly isTls: boolean;
  /** The server has answered before: both sides speak the same protocol, and a failure means something else. */
  readonly hasAnswered: boolean;
}

interface Mismatch {
  readonly pattern: RegExp;
  readonly protocol?: Connecting['protocol'];
  readonly isTls: boolean;
  readonly sentence: string;
}

/** Failures of two sides that speak different protocols, as Node.js 24, undici 7 and our client of gRPC report them. */
const mismatches: readonly Mismatch[] = [
  {
    pattern: /wrong version number|packet length too long|http request/,
    isTls: true,
    sentence: 'the server does not speak TLS; write http:// before the endpoint, or the port at which it speaks TLS',
  },
  {
    pattern: /disconnected before secure TLS connection/,
    isTls: true,
    sentence:
      'the server closed the connection before TLS began; if it speaks plaintext, write http:// before the endpoint',
  },
  {
    pattern: /no application protocol/,
    ...{ protocol: 'grpc', isTls: true },
    sentence:
      'the server speaks TLS and no HTTP/2, which gRPC needs; use otlp_http, or the port at which it takes gRPC',
  },
  {
    pattern: /no application protocol/,
    ...{ protocol: 'http', isTls: true },
    sentence:
      'the server takes HTTP/2 alone, as gRPC does; use otlp_grpc, or the port at which it takes OTLP over HTTP',
  },
  {
    pattern: /does not match the HTTP\/1\.1 protocol/,
    ...{ protocol: 'http', isTls: false },
    sentence:
      'the server does not speak HTTP/1.1; if its port takes gRPC, use otlp_grpc, and if it takes TLS, write https://',
  },
  {
    pattern: /other side closed|socket hang up/,
    ...{ protocol: 'http', isTls: false },
    sentence: 'the server closed the connection without an answer; if its port takes TLS, write https://',
  },
  {
    pattern: /does not speak HTTP\/2/,
    ...{ protocol: 'grpc', isTls: false },
    sentence: 'the server does not speak HTTP/2, which gRPC needs; use otlp_http, or the port at which it takes gRPC',
  },
  {
    pattern: /Failed to connect/,
    ...{ protocol: 'grpc', isTls: false },
    sentence: 'the server closed the connection before HTTP/2 began; if its port takes TLS, write https://',
  },
];

/**
 * Failure of a connection in one sentence: of two sides that speak different protocols with the remedy, else the text of the library
 * without what OpenSSL writes around it.
 */
export function describeConnectionFault(text: string, { protocol, isTls, hasAnswered }: Connecting): string {
  const mismatch = mismatches.find(
    (each) =>
      !hasAnswered && each.isTls === isTls && (each.protocol ?? protocol) === protocol && each.pattern.test(text),
  );
  return mismatch?.sentence ?? withoutWrapping(text);
}

/** OpenSSL: `405D…:error:0A00010B:SSL routines:function:reason:source file:line:more`. */
function withoutWrapping(text: string): string {
  const openssl = /[0-9A-F]{8,}:error:[0-9A-F]+:[^:]*:[^:]*:([^:]+):/.exec(text)?.[1];
  if (openssl !== undefined) return `TLS failed: ${openssl}`;
  return text.trim();
}

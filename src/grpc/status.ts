/** Status codes of gRPC (https://github.com/grpc/grpc/blob/master/doc/statuscodes.md). */
export const status = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

export type StatusCode = (typeof status)[keyof typeof status];

export const codeNames: ReadonlyMap<number, string> = new Map(
  Object.entries(status).map(([name, code]) => [code, name]),
);

/** The end of a call. */
export interface GrpcStatus {
  /** Peers may send codes that are not in `status`. */
  readonly code: number;
  readonly details: string;
  /** Value of `grpc-status-details-bin`: a google.rpc.Status as protobuf. */
  readonly detailsBin?: Uint8Array | undefined;
}

/** Headers that tell a status, in a trailer or in a response without a message. */
export function statusHeaders({ code, details, detailsBin }: GrpcStatus): Record<string, string> {
  const headers: Record<string, string> = { 'grpc-status': String(code) };
  if (details !== '') headers['grpc-message'] = percentEncode(details);
  // The protocol asks for base64 without padding.
  if (detailsBin !== undefined) {
    headers['grpc-status-details-bin'] = Buffer.from(detailsBin).toString('base64').replace(/=+$/, '');
  }
  return headers;
}

/** All but printable ASCII, and the percent sign itself (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#responses). */
export function percentEncode(text: string): string {
  return text.toWellFormed().replaceAll(/[^ -$&-~]+/g, encodeURIComponent);
}

/** Parts that are not encoded as they should be stay as they are: a receiver must not lose a message for them. */
export function percentDecode(text: string): string {
  return text.replaceAll(/(?:%[0-9a-fA-F]{2})+/g, (part) => {
    try {
      return decodeURIComponent(part);
    } catch {
      return part;
    }
  });
}

const unitMs: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };

/** Milliseconds of a `grpc-timeout`; `undefined` for a text that is none. */
export function parseTimeout(text: string): number | undefined {
  const match = /^(\d{1,8})([HMSmun])$/.exec(text);
  return match === null ? undefined : Number(match[1]) * unitMs[match[2]!]!;
}

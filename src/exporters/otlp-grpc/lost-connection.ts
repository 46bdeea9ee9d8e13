import type { ServiceError } from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';

/**
 * Whether a call failed because its connection was lost. grpc-js says UNAVAILABLE of most of them, but INTERNAL of one that ended after a
 * GOAWAY or by a fault of HTTP/2 itself (1.14.7, build/src/subchannel-call.js). `isAnswered`: the receiver has sent
 * headers. One that has not, and no status either, did not say INTERNAL.
 */
export function isConnectionLost(
  { code, details }: Pick<ServiceError, 'code' | 'details'>,
  isAnswered: boolean,
): boolean {
  return code === status.INTERNAL && !isAnswered && withoutStatus.test(details);
}

const withoutStatus = /^Received RST_STREAM with code (?:0 |\d+ triggered by internal client error)/;

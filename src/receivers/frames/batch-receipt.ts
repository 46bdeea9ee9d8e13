import type { TimeBounds } from './sample-time.ts';

/** What decides besides its bytes which samples of a batch are taken. Kept with it, so that it is read the same way again. */
export interface BatchReceipt {
  readonly receivedUnixNano: bigint;
  readonly timeBounds: TimeBounds;
}

/** Little-endian: time of receipt u64, `maxAgeMs` f64, `maxFutureMs` f64. */
export const receiptBytes = 24;

export function encodeReceipt({ receivedUnixNano, timeBounds }: BatchReceipt): Buffer {
  const bytes = Buffer.allocUnsafe(receiptBytes);
  bytes.writeBigUInt64LE(receivedUnixNano);
  bytes.writeDoubleLE(timeBounds.maxAgeMs, 8);
  bytes.writeDoubleLE(timeBounds.maxFutureMs, 16);
  return bytes;
}

/** @throws RangeError when there are fewer bytes than a receipt has */
export function decodeReceipt(bytes: Buffer): BatchReceipt {
  const timeBounds = { maxAgeMs: bytes.readDoubleLE(8), maxFutureMs: bytes.readDoubleLE(16) };
  return { receivedUnixNano: bytes.readBigUInt64LE(), timeBounds };
}

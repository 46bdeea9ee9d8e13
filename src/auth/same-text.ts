import { createHash, timingSafeEqual } from 'node:crypto';

/** Digest of a secret, for a comparison whose time tells neither the length of the secret nor the first difference. */
export function digestOf(text: string): Buffer {
  return createHash('sha256').update(text, 'utf8').digest();
}

/** True when `known` contains `digest`; takes the same time whichever entry matches. */
export function isAmong(digest: Buffer, known: readonly Buffer[]): boolean {
  let isKnown = false;
  for (const other of known) isKnown = timingSafeEqual(digest, other) || isKnown;
  return isKnown;
}

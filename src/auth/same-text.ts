import { createHash, timingSafeEqual } from 'node:crypto';

/** Of a secret, to compare it with others in a time that tells neither its length nor where they differ. */
export function digestOf(text: string): Buffer {
  return createHash('sha256').update(text, 'utf8').digest();
}

/** True when `known` contains `digest`; takes the same time whichever entry matches. */
export function isAmong(digest: Buffer, known: readonly Buffer[]): boolean {
  let isKnown = false;
  for (const other of known) isKnown = timingSafeEqual(digest, other) || isKnown;
  return isKnown;
}

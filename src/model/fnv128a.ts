const offsetBasis = 0x6c62272e07bb014262b821756295c58dn;
const prime = 0x0000000001000000000000000000013bn;

/**
 * FNV-1a over all parts, one after the other, as 32 hexadecimal digits: how the OpenTelemetry eBPF profiler derives a
 * file ID where there is no file to hash (http://www.isthe.com/chongo/tech/comp/fnv/). Text counts as UTF-8.
 */
export function fnv128a(...parts: readonly (string | Uint8Array)[]): string {
  let hash = offsetBasis;
  for (const part of parts) {
    for (const byte of typeof part === 'string' ? Buffer.from(part) : part) {
      hash = BigInt.asUintN(128, (hash ^ BigInt(byte)) * prime);
    }
  }
  return hash.toString(16).padStart(32, '0');
}

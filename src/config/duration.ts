const nanosecondsByUnit = {
  ns: 1n,
  us: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

// Go's time.Duration is an int64.
const maxNanoseconds = 2n ** 63n - 1n;

// Far longer than any duration that fits; keeps the arithmetic on a hostile text small.
const maxTextLength = 200;

/**
 * Milliseconds of a duration as Go writes it (https://pkg.go.dev/time#ParseDuration): `1.5s`, `2h45m`, `300ms`, `0`.
 * A bare integer counts nanoseconds, as in the Collector. `undefined` when the value is none of that, or more than 292 years.
 */
export function parseDurationMs(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value / 1e6 : undefined;
  if (typeof value !== 'string' || value.length > maxTextLength) return undefined;
  if (/^[+-]?0$/.test(value)) return 0;
  const match = /^([+-]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/.exec(value);
  if (match === null) return undefined;
  let nanoseconds = 0n;
  for (const [, whole, fraction = '', unit] of match[2]!.matchAll(/(\d*)\.?(\d*)([a-zµμ]+)/g)) {
    const unitNanoseconds = nanosecondsByUnit[unit!.replace(/[µμ]/, 'u') as keyof typeof nanosecondsByUnit];
    nanoseconds += BigInt(whole!) * unitNanoseconds;
    // Digits below a nanosecond are cut off.
    nanoseconds += (BigInt(fraction) * unitNanoseconds) / 10n ** BigInt(fraction.length);
  }
  if (nanoseconds > maxNanoseconds) return undefined;
  return Number(match[1] === '-' ? -nanoseconds : nanoseconds) / 1e6;
}

/** The shortest Go form of a duration in milliseconds, for messages: `1m30s`, `200ms`, `5ns`. */
export function formatDurationMs(ms: number): string {
  if (ms < 0) return `-${formatDurationMs(-ms)}`;
  const nanoseconds = Math.round(ms * 1e6);
  if (nanoseconds === 0) return '0s';
  if (nanoseconds < 1e3) return `${nanoseconds}ns`;
  if (nanoseconds < 1e6) return `${nanoseconds / 1e3}µs`;
  if (nanoseconds < 1e9) return `${nanoseconds / 1e6}ms`;
  const minutes = Math.floor(nanoseconds / 60e9);
  const seconds = (nanoseconds - minutes * 60e9) / 1e9;
  const hours = Math.floor(minutes / 60);
  return `${hours > 0 ? `${hours}h` : ''}${minutes % 60 > 0 ? `${minutes % 60}m` : ''}${seconds > 0 ? `${seconds}s` : ''}`;
}

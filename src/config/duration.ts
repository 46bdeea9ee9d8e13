const nanosecondsByUnit = { ns: 1, us: 1e3, µs: 1e3, μs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 } as const;

/**
 * Milliseconds of a duration as Go writes it (https://pkg.go.dev/time#ParseDuration): `1.5s`, `2h45m`, `300ms`, `0`.
 * A bare integer counts nanoseconds, as in the Collector. `undefined` when the text is none of that.
 */
export function parseDurationMs(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value / 1e6 : undefined;
  if (typeof value !== 'string') return undefined;
  const match = /^([+-]?)((?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.exec(value);
  if (match === null) return /^[+-]?0$/.test(value) ? 0 : undefined;
  let nanoseconds = 0;
  for (const [, amount, unit] of value.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)) {
    nanoseconds += Number(amount) * nanosecondsByUnit[unit as keyof typeof nanosecondsByUnit];
  }
  return (match[1] === '-' ? -nanoseconds : nanoseconds) / 1e6;
}

/** The shortest Go form of a duration in milliseconds, for messages: `1m30s`, `200ms`. */
export function formatDurationMs(ms: number): string {
  if (ms === 0) return '0s';
  if (ms < 1000) return `${ms}ms`;
  const seconds = ms / 1000;
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const rest = seconds % 60;
  return `${hours > 0 ? `${hours}h` : ''}${minutes > 0 ? `${minutes}m` : ''}${rest > 0 ? `${rest}s` : ''}`;
}

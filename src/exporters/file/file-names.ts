/** A moment as part of a file name, in UTC, sortable as text: `20261123T020212.123Z`. */
export function formatTimestamp(unixMs: number): string {
  return new Date(unixMs).toISOString().replaceAll(/[-:]/g, '');
}

/** The Unix milliseconds of such a text; `undefined` for anything else. */
export function parseTimestamp(text: string): number | undefined {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d\.\d{3})Z$/.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second] = match;
  const unixMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(unixMs) ? undefined : unixMs;
}

/** Suffix of the name of a compressed file. */
export const compressionSuffixes = { none: '', zstd: '.zst', gzip: '.gz' } as const;

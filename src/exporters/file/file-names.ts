/** A moment as part of a file name, in UTC, sortable as text: `20261123T020212.123Z`. */
export function formatTimestamp(unixMs: number): string {
  return new Date(unixMs).toISOString().replaceAll(/[-:]/g, '');
}

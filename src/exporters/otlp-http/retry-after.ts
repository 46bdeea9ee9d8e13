/**
 * Milliseconds that a `Retry-After` header asks to wait, in either of its forms: seconds, or a date
 * (https://www.rfc-editor.org/rfc/rfc9110#field.retry-after). A date that is past asks for 0. `undefined` for a text
 * that is neither.
 */
export function parseRetryAfterMs(text: string, nowUnixMs: number): number | undefined {
  const value = text.trim();
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  if (!datePattern.test(value)) return undefined;
  const dateUnixMs = Date.parse(value);
  return Number.isNaN(dateUnixMs) ? undefined : Math.max(0, dateUnixMs - nowUnixMs);
}

// Only the form that senders must use; Date.parse alone takes much more for a date.
const datePattern = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

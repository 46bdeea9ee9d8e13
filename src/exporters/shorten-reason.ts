/** Longest reason for the log and for a waiting sender, in characters. */
export const maxReasonLength = 1_000;

/**
 * Bounds what a receiver says of a failure, and keeps its reason. Of a list of errors the first is kept, with the number of the others:
 * a receiver that refuses many series repeats itself. A text that is still too long loses its middle, because receivers write
 * labels first and reasons last. Blanks and line breaks become one blank.
 */
export function shortenReason(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  const list = errorList.exec(line);
  if (list === null) return cutMiddle(line, maxReasonLength);
  const { before = '', count = '', errors = '' } = list.groups!;
  const more = ` (the first of ${count} errors)`;
  return `${cutMiddle(before + firstOf(errors), maxReasonLength - more.length)}${more}`;
}

/** Lists as dskit's multierror ("2 errors: a; b") and HashiCorp's ("2 errors occurred: * a * b") write them. */
const errorList = /^(?<before>.{0,200}?)(?<count>\d+) errors(?: occurred)?: (?:\* )?(?<errors>.*)$/;

/**
 * The first error: a separator counts where the text behind it begins as the first error does, because labels may contain one too.
 */
function firstOf(errors: string): string {
  const beginning = errors.slice(0, 12);
  for (const separator of ['; ', ' * ']) {
    const end = errors.indexOf(separator + beginning);
    if (end > 0) return errors.slice(0, end);
  }
  return errors.split(/; | \* /, 1)[0]!;
}

function cutMiddle(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  const tail = Math.floor(maxLength / 2);
  const head = maxLength - tail - 1;
  // Half a surrogate pair is no character.
  return `${text.slice(0, head).toWellFormed()}…${text.slice(-tail).toWellFormed()}`;
}

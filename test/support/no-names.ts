import type { NameRequests } from '../../src/reporter/name-requests.ts';

/** Asks for nothing. */
export const noNames: NameRequests = {
  note: () => undefined,
  noteExecutable: () => undefined,
  take: () => [],
  takeExecutables: () => [],
};

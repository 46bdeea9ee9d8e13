/**
 * Header of a request to another service: how many services like this one it has passed, the sender counted. What a service
 * made itself has passed one.
 */
export const hopsHeader = 'framekeeper-hops';

/** Bound on the header. An agent, a gateway and a second gateway are three; a loop of exporters has no end. */
export const mostHops = 8;

/** The number in the header's values; 0 where there is none, or no number. */
export function parseHops([value]: readonly string[]): number {
  return value !== undefined && /^\d{1,4}$/.test(value) ? Number(value) : 0;
}

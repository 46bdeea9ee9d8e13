// A status goes into a header: peers refuse long ones, commonly beyond 8 KiB.
const mostLength = 1_024;

/** A status's text: bounded, and without halves of surrogate pairs, which grpc-js cannot encode. */
export function statusText(message: string): string {
  return (message.length > mostLength ? `${message.slice(0, mostLength)}…` : message).toWellFormed();
}

/**
 * Reasons why a message is decoded: `json` and `version` the message is written otherwise; `encoding` it is no protobuf, or has
 * fields that known encoders do not write; `reference` an index or an ID is wrong; `string_reference` a text that only
 * attributes of resources refer to is not at the end of its table; `incomplete` something is missing that every receiver
 * expects; `shape` a sample has values that belong to no timestamp; `orphan` an entry is in no use; `duplicate` two entries are equal; `same_resource` two resources or scopes are
 * equal; `same_time` two profiles of a resource and of equal types begin together; `looped` this process made one of the profiles; `same_location` a name makes two
 * locations equal.
 */
export type NotPassableReason = (typeof notPassableReasons)[number];

/** Reasons at the places that are their numbers in `wasm/refuse.ts`. */
export const notPassableReasons = [
  'json',
  'version',
  'encoding',
  'reference',
  'string_reference',
  'incomplete',
  'shape',
  'orphan',
  'duplicate',
  'same_resource',
  'same_time',
  'looped',
  'same_location',
] as const;

/** Thrown and caught within this folder: a scan has met something that it leaves to the decoder. */
export class NotPassable extends Error {
  readonly reason: NotPassableReason;

  constructor(reason: NotPassableReason) {
    super(reason);
    this.name = 'NotPassable';
    this.reason = reason;
  }
}

// Made at first: a stack trace at each request would cost more than some requests do, and one of a scan would keep its memory.
const made = new Map(notPassableReasons.map((reason) => [reason, new NotPassable(reason)]));

export function notPassable(reason: NotPassableReason): NotPassable {
  return made.get(reason)!;
}

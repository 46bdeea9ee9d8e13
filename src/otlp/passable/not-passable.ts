/**
 * Why a message cannot be passed on as it is: `json` and `version` it is written otherwise, `encoding` it is no protobuf, or
 * none as the usual encoders write it, `reference` an index or an ID is wrong, `string_reference` its attributes hold
 * indices of the string table, `incomplete` something is not there that every receiver expects, `orphan` nobody uses an
 * entry, `duplicate` two entries are equal, `same_resource` two resources or scopes are, `same_location` a name
 * makes two locations equal.
 */
export type NotPassableReason =
  | 'json'
  | 'version'
  | 'encoding'
  | 'reference'
  | 'string_reference'
  | 'incomplete'
  | 'orphan'
  | 'duplicate'
  | 'same_resource'
  | 'same_location';

/** Thrown and caught within this folder: a walk has met something that it leaves to others. */
export class NotPassable extends Error {
  readonly reason: NotPassableReason;

  constructor(reason: NotPassableReason) {
    super(reason);
    this.name = 'NotPassable';
    this.reason = reason;
  }
}

// Made once: a stack trace at each request would cost more than some requests do.
const made = new Map<NotPassableReason, NotPassable>();

export function notPassable(reason: NotPassableReason): NotPassable {
  const known = made.get(reason) ?? new NotPassable(reason);
  made.set(reason, known);
  return known;
}

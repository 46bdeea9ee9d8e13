// Reasons by their places in the list of `not-passable.ts`.
export const version: i32 = 1;
export const encoding: i32 = 2;
export const reference: i32 = 3;
export const stringReference: i32 = 4;
export const incomplete: i32 = 5;
export const shape: i32 = 6;
export const duplicate: i32 = 8;
export const sameResource: i32 = 9;
export const sameTime: i32 = 10;
export const looped: i32 = 11;

/** Throws `NotPassable`: no statement behind a call is run. */
export declare function refuse(reason: i32): void;

/** Throws: the message has more elements than were allowed. */
export declare function refuseElements(): void;

/** Throws `MemoryShortage`. */
export declare function refuseMemory(): void;

import { refuseElements } from './refuse.ts';

/** Entries of tables, lines, resources, scopes, profiles and samples that the message may still have. */
let left: u32 = 0;
let most: u32 = 0;

export function startElements(mostElements: u32): void {
  most = mostElements;
  left = mostElements;
}

export function takeElements(count: u32): void {
  if (count > left) refuseElements();
  left -= count;
}

export function takenElements(): u32 {
  return most - left;
}

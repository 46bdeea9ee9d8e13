import type { Submitter } from './namers.ts';
import { anonymous, mayReplace } from './namers.ts';

/** Namers of one file ID: of its executable, and of its symbols. */
export class FileNamers {
  /** Namer of the executable, and of the symbols that are not in `otherNamers`. */
  namer: number;
  /** Namers of symbols that another one added to a file that was named already, by address; bounded over the store. */
  otherNamers: Map<number | string, number> | undefined;
  /** True once a symbol of another namer could not be noted: nobody who is live replaces a symbol without a note from then on. */
  hasUnnoted = false;

  constructor(namer: number) {
    this.namer = namer;
  }

  /** True if `submitter` may replace the symbol at an address that is known. */
  mayReplaceAt(addressHigh: number, addressLow: number, submitter: Submitter): boolean {
    const noted = this.otherNamers?.get(keyOf(addressHigh, addressLow));
    if (noted !== undefined) return mayReplace(noted, submitter);
    // Of an owner who is gone, nothing was noted in vain.
    if (this.hasUnnoted && this.namer !== anonymous) return !submitter.namers.isLive(this.namer, submitter.nowMs);
    return mayReplace(this.namer, submitter);
  }

  /** Notes the namer of a symbol; returns how many more of `otherNamers` there are. */
  setNamer(addressHigh: number, addressLow: number, namer: number, hasRoom: boolean): number {
    const before = this.otherNamers?.size ?? 0;
    if (namer === this.namer) this.otherNamers?.delete(keyOf(addressHigh, addressLow));
    else if (hasRoom) {
      this.otherNamers ??= new Map();
      this.otherNamers.set(keyOf(addressHigh, addressLow), namer);
    } else this.hasUnnoted = true;
    return (this.otherNamers?.size ?? 0) - before;
  }
}

/** A number where a double holds the address exactly. */
function keyOf(addressHigh: number, addressLow: number): number | string {
  return addressHigh >>> 0 < 2 ** 21
    ? (addressHigh >>> 0) * 2 ** 32 + (addressLow >>> 0)
    : `${addressHigh} ${addressLow}`;
}

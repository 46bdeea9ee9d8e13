import type { WindowUsage } from './merged-profiles.ts';

/** Accounts of single instances; beyond, instances share one. */
const maxAccounts = 1_024;
/** Part of the bounds that is kept for instances that the last window did not know. */
const newcomersPart = 1 / 16;
/** Part of the bounds that known instances have in equal parts, however little they sent: a window that ends early is short. */
const leastPart = 1 / 16;
/** An instance that came again is known for so long after its last use: a collector sends every few seconds, a full window may last for milliseconds. */
const knownMs = 60_000;

interface Account {
  used: number;
  /** Room that nobody else takes. */
  reserved: number;
  /** Twice the use of the last window, halved for each window since without use; boundless where the use met a bound. */
  demand: number;
  wasLimited: boolean;
  /** Windows that it used, and the end of the last of these. */
  windows: number;
  usedMs: number;
}

/** Shares of one bound of the window. */
class BoundShares {
  #max: number;
  readonly #accounts = new Map<string, Account>();
  /** Sum of the reservations that are not used yet. */
  #unusedReserve = 0;
  #newcomersReserve = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** Reservations follow with the next window. */
  setMax(max: number): void {
    this.#max = max;
  }

  /** Room for instance `id` while the window holds `total`, in units of the bound; negative when others have reserved the rest. */
  roomOf(id: string, total: number): number {
    const account = this.#accounts.get(this.#keyOf(id));
    const isNewcomer = account === undefined || account.reserved === 0;
    const forOthers = this.#unusedReserve - (account === undefined ? 0 : unusedOf(account));
    return this.#max - total - forOthers - (isNewcomer ? 0 : this.#newcomersReserve);
  }

  /** Unused reservations of all instances but `id`, newcomers included. */
  reservedFromOthersThan(id: string): number {
    const account = this.#accounts.get(this.#keyOf(id));
    return this.#unusedReserve - (account === undefined ? 0 : unusedOf(account)) + this.#newcomersReserve;
  }

  charge(id: string, used: number, isLimited: boolean): void {
    const account = this.#open(this.#keyOf(id));
    const before = unusedOf(account);
    account.used += used;
    account.wasLimited ||= isLimited;
    this.#unusedReserve += unusedOf(account) - before;
    if (account.reserved === 0) this.#newcomersReserve = Math.max(0, this.#newcomersReserve - used);
  }

  /** Begins a new window, which holds `total` already. */
  turn(total: number, nowMs: number): void {
    for (const [key, account] of this.#accounts) {
      if (account.used > 0) {
        account.windows++;
        account.usedMs = nowMs;
      }
      const halved = Math.floor(account.demand / 2);
      account.demand = account.wasLimited ? Infinity : Math.max(2 * account.used, Number.isFinite(halved) ? halved : 0);
      const isKnown = account.windows > 1 && nowMs - account.usedMs < knownMs;
      if (account.demand === 0 && !isKnown) this.#accounts.delete(key);
    }
    this.#newcomersReserve = this.#accounts.size === 0 ? 0 : Math.floor(this.#max * newcomersPart);
    this.#reserve(Math.max(0, this.#max - total - this.#newcomersReserve));
  }

  /** Max-min fairness: an instance that needs less than an equal part has what it needs, the others share the rest. */
  #reserve(capacity: number): void {
    let left = capacity;
    let count = this.#accounts.size;
    const least = (this.#max * leastPart) / count;
    this.#unusedReserve = 0;
    for (const account of [...this.#accounts.values()].sort((a, b) => a.demand - b.demand)) {
      account.reserved = Math.floor(Math.min(Math.max(account.demand, least), left / count));
      account.used = 0;
      account.wasLimited = false;
      left -= account.reserved;
      count--;
      this.#unusedReserve += account.reserved;
    }
  }

  #keyOf(id: string): string {
    return this.#accounts.has(id) || this.#accounts.size < maxAccounts ? id : 'others';
  }

  #open(key: string): Account {
    const known = this.#accounts.get(key);
    if (known !== undefined) return known;
    const created = { used: 0, reserved: 0, demand: 0, wasLimited: false, windows: 0, usedMs: 0 };
    this.#accounts.set(key, created);
    return created;
  }
}

function unusedOf({ reserved, used }: Account): number {
  return Math.max(0, reserved - used);
}

/**
 * Fair shares of the bounds of the window among those that fill it: collector instances, and OTLP profiles as a whole. Each has
 * room for what it needed in the last window, up to an equal part; an instance that takes more takes what is left. So
 * one that floods the window is refused, and others are not. What is in the window is never taken back.
 */
export class WindowShares {
  readonly #events: BoundShares;
  readonly #bytes: BoundShares;

  constructor({ maxEvents, maxBytes }: { readonly maxEvents: number; readonly maxBytes: number }) {
    this.#events = new BoundShares(maxEvents);
    this.#bytes = new BoundShares(maxBytes);
  }

  /** Takes other bounds; the window keeps its content, and reservations in it stay. */
  setLimits({ maxEvents, maxBytes }: { readonly maxEvents: number; readonly maxBytes: number }): void {
    this.#events.setMax(maxEvents);
    this.#bytes.setMax(maxBytes);
  }

  /** Room for instance `id` while the window holds `total`, per bound; negative when others have reserved the rest. */
  roomOf(id: string, total: WindowUsage): WindowUsage {
    return { events: this.#events.roomOf(id, total.events), bytes: this.#bytes.roomOf(id, total.bytes) };
  }

  /** Unused reservations of all instances but `id`, newcomers included. */
  reservedFromOthersThan(id: string): WindowUsage {
    return { events: this.#events.reservedFromOthersThan(id), bytes: this.#bytes.reservedFromOthersThan(id) };
  }

  charge(id: string, used: WindowUsage, isLimited: boolean): void {
    this.#events.charge(id, used.events, isLimited);
    this.#bytes.charge(id, used.bytes, isLimited);
  }

  /** Begins a new window, which holds `total` already. */
  turn(total: WindowUsage, nowMs: number): void {
    this.#events.turn(total.events, nowMs);
    this.#bytes.turn(total.bytes, nowMs);
  }
}

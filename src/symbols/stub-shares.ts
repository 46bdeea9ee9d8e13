import type { StubLimits } from './symbol-store-config.ts';

/** Accounts of single instances; beyond, instances share one. */
const maxAccounts = 256;
/** The owner to drop is the least recent of so many: an exact order would cost each look-up of a process more. */
const sampledOwners = 16;

interface Owner {
  readonly lastSeenMs: number;
}

/** Part of the stub budget that one collector instance uses. */
export class StubAccount<T extends Owner> {
  /** The owners that the instance brought, in the order in which they were made or last looked at here. */
  readonly owners: Set<T> = new Set();
  stubs = 0;
  bytes = 0;

  /** Of some owners, the one that was not seen for longest. */
  leastRecent(): T | undefined {
    const sample: T[] = [];
    for (const owner of this.owners) {
      if (sample.push(owner) === sampledOwners) break;
    }
    for (const owner of sample) {
      this.owners.delete(owner);
      this.owners.add(owner);
    }
    return sample.reduce<T | undefined>(
      (oldest, owner) => (oldest !== undefined && oldest.lastSeenMs <= owner.lastSeenMs ? oldest : owner),
      undefined,
    );
  }
}

/**
 * Fair shares of the stub budget: where it is used up, the instance that uses most pays, so that one that uses less than
 * an equal share never loses to one that uses more.
 */
export class StubShares<T extends Owner> {
  readonly #limits: StubLimits;
  readonly #accounts = new Map<string, StubAccount<T>>();
  readonly #common = new StubAccount<T>();

  constructor(limits: StubLimits) {
    this.#limits = limits;
  }

  /** The account of an instance, for a new owner of it. */
  open(instanceId: string): StubAccount<T> {
    const known = this.#accounts.get(instanceId);
    if (known !== undefined) return known;
    if (this.#accounts.size >= maxAccounts) this.#closeEmpty();
    if (this.#accounts.size >= maxAccounts) return this.#common;
    const created = new StubAccount<T>();
    this.#accounts.set(instanceId, created);
    return created;
  }

  /** The account that pays for a new owner of `instanceId`; `undefined` when none uses more owners than that. */
  payerOfOwner(instanceId: string): StubAccount<T> | undefined {
    const own = this.#accounts.get(instanceId)?.owners.size ?? 0;
    const largest = this.#largest(({ owners }) => owners.size);
    return largest !== undefined && largest.owners.size > own + 1 ? largest : undefined;
  }

  /** The account that pays for stubs beyond the budget. */
  payerOfStubs(): StubAccount<T> | undefined {
    const { maxTotal, maxBytes } = this.#limits;
    return this.#largest(({ stubs, bytes }) => Math.max(stubs / maxTotal, bytes / maxBytes));
  }

  #largest(useOf: (account: StubAccount<T>) => number): StubAccount<T> | undefined {
    let largest: StubAccount<T> | undefined;
    let most = 0;
    for (const account of [...this.#accounts.values(), this.#common]) {
      const use = useOf(account);
      if (use <= most) continue;
      most = use;
      largest = account;
    }
    return largest;
  }

  #closeEmpty(): void {
    for (const [instanceId, { owners }] of this.#accounts) if (owners.size === 0) this.#accounts.delete(instanceId);
  }
}

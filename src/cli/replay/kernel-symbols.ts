/** The kernel's symbols by address, from the text of /proc/kallsyms. */
export class KernelSymbols {
  readonly #starts: readonly bigint[];
  readonly #names: readonly string[];

  /** Lines are `address type name`, with `[module]` behind it for modules; data symbols are left out. */
  constructor(kallsyms: string) {
    const byStart = new Map<bigint, { name: string; rank: number }>();
    for (const [, address, type, name] of kallsyms.matchAll(/^([0-9a-f]+) (\w) (\S+)/gm)) {
      if (!/[tTwW]/.test(type!)) continue;
      const start = BigInt(`0x${address}`);
      const rank = rankOf(type!, name!);
      if (rank > (byStart.get(start)?.rank ?? -1)) byStart.set(start, { name: name!, rank });
    }
    const sorted = [...byStart].sort(([a], [b]) => (a < b ? -1 : 1));
    this.#starts = sorted.map(([start]) => start);
    // A function is preceded by padding for patches (__pfx_NAME); what runs there runs for the function.
    this.#names = sorted.map(([, { name }]) => name.replace(/^__pfx_/, ''));
  }

  /** The function that holds `address`: the last one that starts at or before it. */
  find(address: bigint): string | undefined {
    let low = 0;
    let high = this.#starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#starts[middle]! <= address) low = middle + 1;
      else high = middle;
    }
    return this.#names[low - 1];
  }
}

/** Of several names for one address: a global one, and one without the underscores of an internal alias. */
function rankOf(type: string, name: string): number {
  return (type === 'T' ? 2 : 0) + (name.startsWith('__') ? 0 : 1);
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fileIdOf } from '../support/batch.ts';
import { StoreHarness } from './store-harness.ts';

const numRuns = Number(process.env.PROPERTY_RUNS ?? 200);
const lifetimeMs = 10_000;

type Step =
  | { readonly op: 'learn' | 'find'; readonly file: number; readonly address: number }
  | { readonly waitMs: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      op: fc.constantFrom('learn', 'find'),
      file: fc.nat(5),
      address: fc.nat(9),
    }) as fc.Arbitrary<Step>,
  },
  { weight: 1, arbitrary: fc.record({ waitMs: fc.constantFrom(100, 3000, 9900, 10_100) }) },
);

interface PlainFile {
  usedMs: number;
  symbols: { address: number; name: string; usedMs: number }[];
}

/** The store's promises, as plainly as can be: maps in order of last use. */
class PlainStore {
  readonly #maxEntries: number;
  readonly files = new Map<number, PlainFile>();
  readonly reasons = new Map<string, string>();
  nowMs = 0;

  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries;
  }

  learn(file: number, address: number, name: string): void {
    const { symbols } = this.#use(file) ?? this.#create(file);
    const known = symbols.findIndex((symbol) => symbol.address === address);
    if (known >= 0) symbols.splice(known, 1);
    symbols.push({ address, name, usedMs: this.nowMs });
    while (this.#entries > this.#maxEntries) this.#evict();
  }

  find(file: number, address: number): string | undefined {
    const symbols = this.#use(file)?.symbols ?? [];
    const known = symbols.findIndex((symbol) => symbol.address === address);
    if (known < 0) return undefined;
    const [symbol] = symbols.splice(known, 1);
    symbols.push({ ...symbol!, usedMs: this.nowMs });
    return symbol!.name;
  }

  wait(ms: number): void {
    this.nowMs += ms;
    for (const [number, file] of this.files) {
      for (const { address, usedMs } of file.symbols) {
        if (this.nowMs - usedMs > lifetimeMs) this.reasons.set(`${number} ${address}`, 'expired');
      }
      file.symbols = file.symbols.filter(({ usedMs }) => this.nowMs - usedMs <= lifetimeMs);
      if (this.nowMs - file.usedMs > lifetimeMs) this.files.delete(number);
    }
  }

  get symbolCount(): number {
    return [...this.files.values()].reduce((sum, { symbols }) => sum + symbols.length, 0);
  }

  get #entries(): number {
    return this.files.size + this.symbolCount;
  }

  #use(number: number): PlainFile | undefined {
    const file = this.files.get(number);
    if (file === undefined) return undefined;
    this.files.delete(number);
    this.files.set(number, file);
    file.usedMs = this.nowMs;
    return file;
  }

  #create(number: number): PlainFile {
    const file = { usedMs: this.nowMs, symbols: [] };
    this.files.set(number, file);
    return file;
  }

  #evict(): void {
    const [number, file] = this.files.entries().next().value!;
    const symbol = file.symbols.shift();
    if (symbol !== undefined) this.reasons.set(`${number} ${symbol.address}`, 'evicted');
    if (file.symbols.length === 0) this.files.delete(number);
  }
}

test('SymbolStore does what the plain model does, whatever is learned, looked up and waited for', () => {
  const property = fc.property(
    fc.integer({ min: 2, max: 40 }),
    fc.array(step, { maxLength: 300, size: 'max' }),
    (maxEntries, steps) => {
      const harness = new StoreHarness({ lifetime: '10s', max_entries: maxEntries });
      const model = new PlainStore(maxEntries);
      for (const [i, action] of steps.entries()) {
        if ('waitMs' in action) {
          harness.nowMs += action.waitMs;
          harness.store.at(harness.nowMs).purge();
          model.wait(action.waitMs);
        } else if (action.op === 'learn') {
          harness.learnName(fileIdOf(action.file), BigInt(action.address), `${i}`);
          model.learn(action.file, action.address, `${i}`);
        } else {
          const name = harness.name(fileIdOf(action.file), BigInt(action.address));
          assert.equal(name, model.find(action.file, action.address));
          const reason = model.reasons.get(`${action.file} ${action.address}`) ?? 'never_submitted';
          if (name === undefined) assert.equal(harness.reason(fileIdOf(action.file), BigInt(action.address)), reason);
        }
        const { files, symbols, strings } = harness.store.stats();
        const expected = { files: model.files.size, symbols: model.symbolCount, strings: model.symbolCount };
        assert.deepEqual({ files, symbols, strings }, expected);
      }
    },
  );
  fc.assert(property, { numRuns });
});

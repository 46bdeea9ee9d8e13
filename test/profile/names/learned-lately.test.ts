import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PairHash } from '../../../src/otlp/passable/pair-hash.ts';
import { PassableScanner } from '../../../src/otlp/passable/passable-scanner.ts';
import { encodeProfilesData } from '../../../src/otlp/protobuf/encode-profiles-data.ts';
import { enrichPassable } from '../../../src/profile/names/enrich-passable.ts';
import { LearnedLately } from '../../../src/profile/names/learned-lately.ts';
import { atOnce } from '../../../src/support/steps.ts';
import { SymbolStore } from '../../../src/symbols/symbol-store.ts';
import { goodProfiles } from '../../otlp/good-profiles.ts';
import { SymbolMap } from '../../support/symbol-map.ts';
import { configOf } from '../../symbols/store-harness.ts';

/** Counts what the store is told. */
class CountingMap extends SymbolMap {
  learned = 0;
  told = 0;

  override learnExecutable(...file: Parameters<SymbolMap['learnExecutable']>): void {
    this.told++;
    super.learnExecutable(...file);
  }

  override learnSymbol(...name: Parameters<SymbolMap['learnSymbol']>): void {
    this.learned++;
    super.learnSymbol(...name);
  }
}

function startPassing() {
  const scanner = new PassableScanner();
  const store = new CountingMap();
  const lately = new LearnedLately(3_600_000);
  const pass = (functionName: string, nowMs: number, evictions = 0): number => {
    const data = goodProfiles();
    const { functionTable, stringTable } = data.dictionary;
    stringTable[functionTable[2]!.nameStrindex] = functionName;
    const scan = scanner.scan(encodeProfilesData(data), true);
    assert.equal(scan.kind, 'passable');
    lately.begin(nowMs, evictions);
    const before = store.learned;
    const { profiles } = scan as Extract<typeof scan, { kind: 'passable' }>;
    const { learnedLocations } = atOnce(enrichPassable(profiles, store, { lately }))!;
    assert.equal(learnedLocations, 1);
    assert.deepEqual(
      [...store.symbols.values()].map((symbol) => symbol.functionName),
      [functionName],
    );
    return store.learned - before;
  };
  /** Returns how often the store was told of the one file of a request. */
  const passFile = (path: string): number => {
    const data = goodProfiles();
    const { mappingTable, stringTable } = data.dictionary;
    stringTable[mappingTable[1]!.filenameStrindex] = path;
    const scan = scanner.scan(encodeProfilesData(data), true);
    lately.begin(0, 0);
    const before = store.told;
    atOnce(enrichPassable((scan as Extract<typeof scan, { kind: 'passable' }>).profiles, store, { lately }));
    assert.deepEqual(
      [...store.executables.values()].map(({ fileName }) => fileName),
      [path],
    );
    return store.told - before;
  };
  return { pass, passFile };
}

test('a name that comes again within a 64th of a lifetime is counted and not learned again', () => {
  const { pass } = startPassing();
  assert.equal(pass('checkout', 0), 1);
  assert.equal(pass('checkout', 5_000), 0);
  assert.equal(pass('checkout', 56_300), 1);
});

test('an address has the last name that came, also when that is one of before', () => {
  const { pass } = startPassing();
  for (const name of ['checkout', 'refund', 'checkout', 'refund']) assert.equal(pass(name, 0), 1);
});

test('a file is what was told of it last, and is told once while nothing else is', () => {
  const { passFile } = startPassing();
  for (const path of ['/usr/bin/shop', '/opt/shop', '/usr/bin/shop']) {
    assert.equal(passFile(path), 1);
    assert.equal(passFile(path), 0);
  }
});

test('after an eviction in the store all names are learned again', () => {
  const { pass } = startPassing();
  pass('checkout', 0);
  assert.equal(pass('checkout', 0, 1), 1);
  assert.equal(pass('checkout', 0, 1), 0);
});

test('a store tells of entries that left early and of contents that were given up', () => {
  const store = new SymbolStore(configOf({ max_entries: 4 }), () => 0.5);
  const name = { functionName: 'f', systemName: '', filePath: '', line: 0, column: 0, startLine: 0, inlined: [] };
  const before = store.earlyRemovals;
  for (let low = 1; low < 4; low++) store.at(0).learnSymbol({ word0: 1, word1: 2, word2: 3, word3: 4 }, 0, low, name);
  assert.equal(store.earlyRemovals, before);
  store.at(0).learnSymbol({ word0: 1, word1: 2, word2: 3, word3: 4 }, 0, 4, name);
  const evicted = store.earlyRemovals;
  assert.ok(evicted > before);
  store.adopt(store.restore(0, 0).finish().contents);
  assert.ok(store.earlyRemovals > evicted);
});

test('what is known is what was noted last under a key, whatever else was noted', () => {
  const noted = fc.array(
    fc.tuple(
      fc.integer({ min: 1, max: 8 }).map((key) => key * 512),
      fc.integer({ min: 0, max: 3 }),
    ),
    {
      maxLength: 100,
    },
  );
  fc.assert(
    fc.property(noted, (notes) => {
      const lately = new LearnedLately(3_600_000);
      const last = new Map<number, number>();
      const hash = new PairHash();
      for (const [index, [key, name]] of notes.entries()) {
        lately.begin(100 * Math.floor(index / 3), 0);
        hash.start(name);
        const isKnown = lately.knows(key, hash);
        if (isKnown) assert.equal(last.get(key), name);
        lately.note(key, hash);
        assert.ok(lately.knows(key, hash));
        last.set(key, name);
      }
    }),
    { numRuns: 30, endOnFailure: true },
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { FrameSymbol } from '../../../src/model/frame-symbol.ts';
import type { ProfilesData } from '../../../src/otlp/profiles-data.ts';
import { decodeProfilesData } from '../../../src/otlp/protobuf/decode-profiles-data.ts';
import { encodeProfilesData } from '../../../src/otlp/protobuf/encode-profiles-data.ts';
import { checkConformance } from '../../../src/profile/check/check-conformance.ts';
import { FrameReader } from '../../../src/profile/flame/frame-reader.ts';
import { mergeProfiles } from '../../../src/profile/join/profiles-joiner.ts';
import { enrichProfiles } from '../../../src/profile/names/enrich-profiles.ts';
import { normalForm } from '../../interop/normal-form.ts';
import type { Mutable } from '../../otlp/good-profiles.ts';
import { goodProfiles } from '../../otlp/good-profiles.ts';
import { profilesApart } from '../../otlp/sound-profiles.ts';
import { SymbolMap } from '../../support/symbol-map.ts';
import { withLists } from '../../support/with-lists.ts';

const htlHash = '00112233445566778899aabbccddeeff';
const checkout: FrameSymbol = {
  functionName: 'checkout',
  systemName: '',
  filePath: 'shop.c',
  line: 42,
  column: 0,
  startLine: 40,
  inlined: [{ functionName: 'add', systemName: '', filePath: 'shop.c', line: 7, column: 3, startLine: 5, inlined: [] }],
};

function enrichGood(change: (data: Mutable<ProfilesData>) => void, names = new SymbolMap()) {
  const data = goodProfiles();
  change(data);
  return { ...enrichProfiles(data, names), names };
}

function framesOf({ dictionary }: ProfilesData): string[] {
  const reader = new FrameReader(dictionary);
  return [...dictionary.locationTable].slice(1).map((_, index) =>
    reader
      .locationFrames(index + 1)
      .map(({ functionName, line }) => (functionName === '' ? '' : `${functionName}:${line}`))
      .join(' < '),
  );
}

test('enrichProfiles without names changes nothing but the dictionary, whose entries are used and unique', () => {
  fc.assert(
    fc.property(profilesApart, (data) => {
      const enriched = enrichProfiles(data, {
        learnExecutable() {},
        learnSymbol() {},
        openFile: () => undefined,
        reasonUnknown: () => 'never_submitted',
      }).data;
      const written = decodeProfilesData(encodeProfilesData(enriched));
      assert.deepEqual(normalForm([written]).lines, normalForm([data]).lines);
      const aboutTables = checkConformance(written).filter(({ problem }) =>
        /referred to by nothing|is the same as|out of range|not the zero value/.test(problem),
      );
      assert.deepEqual(aboutTables, []);
      const again = enrichProfiles(written, new SymbolMap()).data;
      assert.deepEqual(withLists(again), withLists(enrichProfiles(again, new SymbolMap()).data));
    }),
    { endOnFailure: true, numRuns: Number(process.env.PROPERTY_RUNS ?? 100) },
  );
});

test('enrichProfiles keeps conformant profiles conformant', () => {
  const { data } = enrichGood(() => undefined);
  assert.deepEqual(checkConformance(data), []);
  assert.deepEqual(normalForm([data]).lines, normalForm([goodProfiles()]).lines);
});

test('enrichProfiles tells the store the names of locations, inlined functions and the executable among it', () => {
  const { names, learnedLocations } = enrichGood(() => undefined);
  assert.deepEqual([...names.symbols], [[`${htlHash}:2345`, checkout]]);
  assert.equal(learnedLocations, 1);
  const executable = { fileName: '/usr/bin/shop', gnuBuildId: '', goBuildId: '', hasHtlHash: true };
  assert.deepEqual([...names.executables], [[htlHash, executable]]);
});

test('enrichProfiles gives a location without lines its name in the store', () => {
  const names = new SymbolMap();
  enrichGood(() => undefined, names);
  const { data, namedLocations, unnamedLocations } = enrichGood(({ dictionary }) => {
    dictionary.locationTable[2]!.lines = [];
  }, names);
  assert.deepEqual(framesOf(data), ['', 'add:7 < checkout:42', 'do_syscall_64:0']);
  assert.deepEqual([namedLocations, unnamedLocations], [1, 1]);
  assert.deepEqual(checkConformance(data), []);
  assert.deepEqual(normalForm([data]).lines, normalForm([goodProfiles()]).lines);
});

test('enrichProfiles names a location of the same request, also one that comes before', () => {
  const { data, unnamedLocations } = enrichGood(({ dictionary }) => {
    dictionary.locationTable[1]!.address = 0x2345n;
  });
  // Both are one location now: nobody can tell them apart.
  assert.deepEqual(framesOf(data), ['add:7 < checkout:42', 'do_syscall_64:0']);
  assert.equal(unnamedLocations, 0);
});

test('enrichProfiles knows a file by its GNU build ID where it has no hash', () => {
  const names = new SymbolMap();
  const useGnu = ({ dictionary }: Mutable<ProfilesData>): void => {
    dictionary.stringTable[11] = 'process.executable.build_id.gnu';
    dictionary.attributeTable[3]!.value = 'ABCDEF01';
  };
  enrichGood(useGnu, names);
  // FNV-1a over the text "abcdef01", in 128 bits.
  assert.deepEqual([...names.symbols.keys()], ['75264a31b3659b4d88fa9dbe8723d32d:2345']);
  assert.deepEqual([...names.executables.values()][0], {
    fileName: '/usr/bin/shop',
    gnuBuildId: 'abcdef01',
    goBuildId: '',
    hasHtlHash: false,
  });
});

for (const { name, change } of [
  {
    name: 'has no mapping',
    change: ({ dictionary }: Mutable<ProfilesData>) => {
      dictionary.locationTable[2]!.mappingIndex = 0;
    },
  },
  {
    name: 'has a mapping without a build ID',
    change: ({ dictionary }: Mutable<ProfilesData>) => {
      dictionary.mappingTable[1]!.attributeIndices = [];
    },
  },
  {
    name: 'has the address of a running process',
    change: ({ dictionary }: Mutable<ProfilesData>) => {
      dictionary.locationTable[2]!.address = 0x5555_5555_6789n;
    },
  },
  {
    name: 'has the address of a running kernel',
    change: ({ dictionary }: Mutable<ProfilesData>) => {
      dictionary.locationTable[2]!.address = 0xffff_ffff_8100_0000n;
    },
  },
  {
    name: 'has no address',
    change: ({ dictionary }: Mutable<ProfilesData>) => {
      dictionary.locationTable[2]!.address = 0n;
    },
  },
  {
    name: 'is an interpreted frame in a loaded file',
    change: ({ dictionary }: Mutable<ProfilesData>) => {
      dictionary.attributeTable[1]!.value = 'cpython';
    },
  },
  {
    name: 'has a line that no file has',
    change: ({ dictionary }: Mutable<ProfilesData>) => {
      dictionary.locationTable[2]!.lines[1]!.line = -1n;
    },
  },
  {
    name: 'has functions without names',
    change: ({ dictionary }: Mutable<ProfilesData>) => {
      dictionary.locationTable[2]!.lines = [{ functionIndex: 0, line: 1n, column: 0n }];
    },
  },
]) {
  test(`enrichProfiles learns nothing from a location that ${name}, and passes it on as it is`, () => {
    const { data, names } = enrichGood(change);
    assert.deepEqual([...names.symbols], []);
    const given = goodProfiles();
    change(given);
    assert.deepEqual(normalForm([data]).lines, normalForm([given]).lines);
  });
}

test('enrichProfiles learns interpreted frames under a file ID of their own', () => {
  const { names } = enrichGood(({ dictionary }) => {
    dictionary.attributeTable[1]!.value = 'cpython';
    dictionary.mappingTable[1]!.memoryStart = 0n;
    dictionary.mappingTable[1]!.memoryLimit = 0n;
  });
  assert.deepEqual([...names.symbols.keys()], [`${htlHash}:2345`]);
});

test('enrichProfiles makes one of mappings and locations whose attributes differ in their order alone', () => {
  const { data } = enrichGood(({ dictionary }) => {
    dictionary.mappingTable[1]!.attributeIndices = [3, 4];
    dictionary.mappingTable.push({ ...dictionary.mappingTable[1]!, attributeIndices: [4, 3] });
    const [, first] = dictionary.locationTable;
    first!.attributeIndices = [1, 4];
    dictionary.locationTable.push({ ...first!, mappingIndex: 2, attributeIndices: [4, 1] });
    dictionary.stackTable[2]!.locationIndices = [4, 3, 2];
  });
  assert.equal(data.dictionary.mappingTable.length, 2);
  assert.equal(data.dictionary.locationTable.length, 4);
});

test('enrichProfiles makes one of equal resources and of equal scopes, and leaves out what has no profiles', () => {
  const { data } = enrichGood((given) => {
    const [first] = given.resourceProfiles;
    const attributes = [
      { key: 'b', value: 1n },
      { key: 'a', value: 'x' },
    ];
    first!.resource.attributes.push(...attributes);
    const same = structuredClone(first!);
    same.resource.attributes.reverse();
    same.scopeProfiles.push({ ...structuredClone(same.scopeProfiles[0]!), schemaUrl: 'other' });
    const other = structuredClone(first!);
    other.resource.attributes[1]!.value = 1;
    const empty = { ...structuredClone(first!), schemaUrl: 'empty', scopeProfiles: [] };
    given.resourceProfiles.push(same, other, empty);
  });
  const shape = data.resourceProfiles.map(({ scopeProfiles }) => scopeProfiles.map(({ profiles }) => profiles.length));
  assert.deepEqual(shape, [[2, 1], [1]]);
});

test('enrichProfiles gives distinct entries the same names, and the same counts, as any', () => {
  fc.assert(
    fc.property(profilesApart, fc.boolean(), (request, isKnown) => {
      const data = mergeProfiles([request]);
      const locationTable = [...data.dictionary.locationTable].map((location) => ({ ...location, lines: [] }));
      const nameless = mergeProfiles([{ ...data, dictionary: { ...data.dictionary, locationTable } }]);
      const [names, others] = [new SymbolMap(), new SymbolMap()];
      if (isKnown) for (const each of [names, others]) enrichProfiles(data, each);
      const expected = enrichProfiles(nameless, names);
      const distinct = enrichProfiles(nameless, others, true);
      assert.deepEqual(
        { ...distinct, data: withLists(distinct.data) },
        { ...expected, data: withLists(expected.data) },
      );
    }),
    { endOnFailure: true, numRuns: Number(process.env.PROPERTY_RUNS ?? 100) },
  );
});

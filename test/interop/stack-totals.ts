import protobuf from 'protobufjs';
import type { KeyValueAndUnit, ProfilesData } from '../../src/otlp/profiles-data.ts';

/**
 * Values by stack: names of functions, leaf first. A frame without a name is the build ID or else the name of its file, and its
 * address; without a file it is `?`, because Parca's pprof takes all such frames for one.
 */
export type StackTotals = ReadonlyMap<string, bigint>;

/** Observations of a sample type by stack. A sample without values counts its timestamps. */
export function stackTotalsOf(messages: readonly ProfilesData[], sampleType: string): StackTotals {
  const totals = new Map<string, bigint>();
  for (const { resourceProfiles, dictionary } of messages) {
    const text = (index: number): string => dictionary.stringTable.at(index)!;
    const fileOf = (index: number): string => {
      const { filenameStrindex, attributeIndices } = dictionary.mappingTable[index]!;
      const gnu = attributeIndices.map((each) => dictionary.attributeTable[each]!).find(isGnuBuildId(text));
      return String(gnu?.value ?? text(filenameStrindex));
    };
    const frames = [...dictionary.locationTable].map(({ lines, mappingIndex, address }) => {
      const names = lines.map(({ functionIndex }) => text(dictionary.functionTable.at(functionIndex)!.nameStrindex));
      return names.length > 0 ? names : [nameless(mappingIndex === 0 ? '' : fileOf(mappingIndex), address)];
    });
    for (const profile of resourceProfiles
      .flatMap(({ scopeProfiles }) => scopeProfiles)
      .flatMap((each) => each.profiles)) {
      if (text(profile.sampleType.typeStrindex) !== sampleType) continue;
      for (const { stackIndex, values, timestampsUnixNano } of profile.samples) {
        const value = values.length === 0 ? BigInt(timestampsUnixNano.length) : values.reduce((a, b) => a + b);
        const stack = dictionary.stackTable
          .at(stackIndex)!
          .locationIndices.flatMap((index) => frames[index]!)
          .join('\n');
        totals.set(stack, (totals.get(stack) ?? 0n) + value);
      }
    }
  }
  return totals;
}

/** First values by stack of a pprof profile, uncompressed. */
export function stackTotalsOfPprof(bytes: Uint8Array): StackTotals {
  const {
    sample = [],
    mapping = [],
    location = [],
    function: functions = [],
    stringTable = [],
  } = pprofType.toObject(pprofType.decode(bytes), { longs: String, arrays: true }) as Pprof;
  const nameById = new Map(functions.map(({ id, name }) => [id, stringTable[Number(name ?? 0)] ?? '']));
  const textOf = (index: string | undefined): string => stringTable[Number(index ?? 0)] ?? '';
  const fileById = new Map(mapping.map(({ id, filename, buildId }) => [id, textOf(buildId) || textOf(filename)]));
  const framesById = new Map(
    location.map(({ id, mappingId, address, line = [] }) => {
      const names = line.map(({ functionId }) => nameById.get(functionId) ?? '');
      return [id, names.length > 0 ? names : [nameless(fileById.get(mappingId ?? '') ?? '', BigInt(address ?? 0))]];
    }),
  );
  const totals = new Map<string, bigint>();
  for (const { locationId = [], value = [] } of sample) {
    const stack = locationId.flatMap((id) => framesById.get(id)!).join('\n');
    totals.set(stack, (totals.get(stack) ?? 0n) + BigInt(value[0] ?? 0));
  }
  return totals;
}

export function sumOf(totals: StackTotals): bigint {
  return [...totals.values()].reduce((sum, value) => sum + value, 0n);
}

/** Number of the expected stacks that are there with their value, times `period`. */
export function equalStacks(actual: StackTotals, expected: StackTotals, period: bigint): number {
  return [...expected].filter(([stack, value]) => actual.get(stack) === value * period).length;
}

function nameless(file: string, address: bigint): string {
  return file === '' ? '?' : `${file}!0x${address.toString(16)}`;
}

function isGnuBuildId(text: (index: number) => string): (entry: KeyValueAndUnit) => boolean {
  return ({ keyStrindex }) => text(keyStrindex) === 'process.executable.build_id.gnu';
}

interface Pprof {
  readonly sample?: readonly { readonly locationId?: readonly string[]; readonly value?: readonly string[] }[];
  readonly mapping?: readonly { readonly id: string; readonly filename?: string; readonly buildId?: string }[];
  readonly location?: readonly {
    readonly id: string;
    readonly mappingId?: string;
    readonly address?: string;
    readonly line?: readonly { readonly functionId: string }[];
  }[];
  readonly function?: readonly { readonly id: string; readonly name?: string }[];
  readonly stringTable?: readonly string[];
}

/** The fields that are read here of https://github.com/google/pprof/blob/main/proto/profile.proto. */
const pprofType = protobuf
  .parse(`
    syntax = "proto3";
    message Profile {
      repeated Sample sample = 2;
      repeated Mapping mapping = 3;
      repeated Location location = 4;
      repeated Function function = 5;
      repeated string string_table = 6;
    }
    message Sample { repeated uint64 location_id = 1; repeated int64 value = 2; }
    message Mapping { uint64 id = 1; int64 filename = 5; int64 build_id = 6; }
    message Location { uint64 id = 1; uint64 mapping_id = 2; uint64 address = 3; repeated Line line = 4; }
    message Line { uint64 function_id = 1; }
    message Function { uint64 id = 1; int64 name = 2; }
  `)
  .root.lookupType('Profile');

import type { AnyValue, KeyValue, ProfilesData } from '../../src/otlp/profiles-data.ts';
import { attributesOf } from '../support/plain-view.ts';

/** One moment at which a stack was seen, with everything written out that a profile says of it. */
export interface Observation {
  readonly timeUnixNano: bigint;
  readonly scope: string;
  /** Sample type, period type and period, as one text. */
  readonly type: string;
  readonly resource: Attributes;
  readonly attributes: Attributes;
  /** Leaf first. */
  readonly stack: readonly ObservedFrame[];
}

export interface ObservedFrame {
  /** `profile.frame.type`. */
  readonly type: string;
  readonly address: bigint;
  readonly mapping: ObservedMapping | undefined;
  /** Innermost first. */
  readonly lines: readonly { readonly function: string; readonly file: string; readonly line: number }[];
}

export interface ObservedMapping {
  readonly fileName: string;
  readonly start: bigint;
  readonly end: bigint;
  readonly fileOffset: bigint;
  readonly attributes: Attributes;
}

/** Sorted by key. */
export type Attributes = readonly (readonly [string, AnyValue])[];

export function sortedAttributes(attributes: Readonly<Record<string, AnyValue>>): Attributes {
  return Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Equal frames of a message are the same object. A sample that was seen several times is as many observations. */
export function observationsOf(data: ProfilesData): Observation[] {
  const { dictionary, resourceProfiles } = data;
  const text = (index: number): string => dictionary.stringTable.at(index)!;
  const frames = [...dictionary.locationTable].map((location): ObservedFrame => {
    const { 'profile.frame.type': type, ...others } = attributesOf(data, location.attributeIndices);
    if (Object.keys(others).length > 0) throw new Error(`a location has ${Object.keys(others)}`);
    const lines = location.lines.map(({ functionIndex, line }) => {
      const { nameStrindex, filenameStrindex } = dictionary.functionTable.at(functionIndex)!;
      return { function: text(nameStrindex), file: text(filenameStrindex), line: Number(line) };
    });
    return { type: String(type), address: location.address, mapping: mappingOf(data, location.mappingIndex), lines };
  });
  return resourceProfiles.flatMap(({ resource, scopeProfiles }) =>
    scopeProfiles.flatMap(({ scope, profiles }) =>
      profiles.flatMap(({ sampleType, periodType, period, samples }) => {
        const types = [sampleType, periodType].map(
          ({ typeStrindex, unitStrindex }) => `${text(typeStrindex)}/${text(unitStrindex)}`,
        );
        const head = {
          scope: scope.name,
          type: `${types.join(' ')} ${period}`,
          resource: entriesOf(resource.attributes),
        };
        return [...samples].flatMap(({ attributeIndices, stackIndex, timestampsUnixNano }) => {
          const attributes = sortedAttributes(attributesOf(data, attributeIndices) as Record<string, AnyValue>);
          const stack = dictionary.stackTable.at(stackIndex)!.locationIndices.map((index) => frames[index]!);
          return timestampsUnixNano.map((timeUnixNano) => ({ ...head, timeUnixNano, attributes, stack }));
        });
      }),
    ),
  );
}

function mappingOf(data: ProfilesData, index: number): ObservedMapping | undefined {
  if (index === 0) return undefined;
  const { memoryStart, memoryLimit, fileOffset, filenameStrindex, attributeIndices } =
    data.dictionary.mappingTable[index]!;
  return {
    fileName: data.dictionary.stringTable.at(filenameStrindex)!,
    start: memoryStart,
    end: memoryLimit,
    fileOffset,
    attributes: sortedAttributes(attributesOf(data, attributeIndices) as Record<string, AnyValue>),
  };
}

function entriesOf(attributes: readonly KeyValue[]): Attributes {
  return sortedAttributes(Object.fromEntries(attributes.map(({ key, value }) => [key, value])));
}

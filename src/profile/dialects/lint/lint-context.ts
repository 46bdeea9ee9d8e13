import type { ProfileType } from '../../../model/profile-type.ts';
import type { AnyValue, KeyValue, Profile, ProfilesData, Sample } from '../../../otlp/profiles-data.ts';
import type { ConformanceFault } from '../../check/fault-list.ts';
import { FaultList } from '../../check/fault-list.ts';
import { tableNames, visitProfiles, visitReferences } from '../../check/references.ts';
import { FrameReader } from '../../flame/frame-reader.ts';

/** Profiles of this message and of those before it. */
export interface SeenProfiles {
  /** By labels and time, the path of the first. */
  readonly profiles: Map<string, string>;
  /** Begin of the paths of this message. */
  readonly prefix: string;
}

/** An attribute with the path to its owner. */
export interface PlacedAttribute extends KeyValue {
  readonly path: string;
}

/**
 * Faults of data for a backend: `refused` costs more than the faulty element, `dropped` is lost without a word, `misread` is
 * shown as something else. Bounded like the faults of conformance.
 */
export class LintFaults {
  readonly #faults = new FaultList();
  readonly #keys = new Set<string>();

  refused(path: string, problem: string): void {
    this.#faults.add(path, `refused: ${problem}`);
  }

  dropped(path: string, problem: string): void {
    this.#faults.add(path, `dropped: ${problem}`);
  }

  misread(path: string, problem: string): void {
    this.#faults.add(path, `misread: ${problem}`);
  }

  /** True at the first call with the key: for a fault that is the same at every sample. */
  isFirst(key: string): boolean {
    const { size } = this.#keys;
    return this.#keys.add(key).size > size;
  }

  toArray(): ConformanceFault[] {
    return this.#faults.toArray();
  }
}

/** Data under lint, with questions that the rules of several backends ask. */
export class LintContext {
  readonly data: ProfilesData;
  readonly seen: SeenProfiles;
  readonly faults: LintFaults;
  readonly reader: FrameReader;

  constructor(data: ProfilesData, faults: LintFaults, seen: SeenProfiles) {
    this.data = data;
    this.seen = seen;
    this.faults = faults;
    this.reader = new FrameReader(data.dictionary);
  }

  typeOf({ sampleType, periodType, period }: Profile): ProfileType {
    return {
      sampleType: this.reader.text(sampleType.typeStrindex),
      sampleUnit: this.reader.text(sampleType.unitStrindex),
      periodType: this.reader.text(periodType.typeStrindex),
      periodUnit: this.reader.text(periodType.unitStrindex),
      period,
    };
  }

  attributesOf(indices: readonly number[]): KeyValue[] {
    return indices.flatMap((index) => {
      const entry = this.data.dictionary.attributeTable[index];
      return entry === undefined ? [] : [{ key: this.reader.text(entry.keyStrindex), value: entry.value }];
    });
  }

  visitProfiles(visit: (profile: Profile, path: string) => void): void {
    visitProfiles(this.data, visit);
  }

  visitSamples(visit: (sample: Sample, profile: Profile, path: string) => void): void {
    visitProfiles(this.data, (profile, path) => {
      for (const [i, sample] of profile.samples.entries()) visit(sample, profile, `${path}: sample[${i}]`);
    });
  }

  /** Attributes of each resource, and of each of its scopes. */
  inlineAttributes(): PlacedAttribute[] {
    return this.data.resourceProfiles.flatMap(({ resource, scopeProfiles }, i) => [
      ...place(resource.attributes, `resource_profiles[${i}]: resource`),
      ...scopeProfiles.flatMap(({ scope }, j) => {
        return place(scope.attributes, `resource_profiles[${i}]: scope_profiles[${j}]: scope`);
      }),
    ]);
  }

  /** Attributes that samples refer to, each once. */
  sampleAttributes(): PlacedAttribute[] {
    const indices = new Set<number>();
    this.visitSamples(({ attributeIndices }) => {
      for (const index of attributeIndices) indices.add(index);
    });
    return [...indices].flatMap((index) => {
      return this.attributesOf([index]).map((each) => ({ ...each, path: `dictionary: attribute_table[${index}]` }));
    });
  }

  /** Indices that point nowhere, which every backend refuses or fails at. */
  checkReferences(): void {
    visitReferences(this.data, (table, index, path) => {
      const { length } = this.data.dictionary[table];
      if (index >= 0 && index < length) return;
      this.faults.refused(path, `index ${index} is outside ${tableNames[table]}, which has ${length} entries`);
    });
  }
}

function place(attributes: readonly KeyValue[], path: string): PlacedAttribute[] {
  return attributes.map((each, i) => ({ ...each, path: `${path}: attributes[${i}]` }));
}

/** The type of a value as the protocol calls it. */
export function typeName(value: AnyValue): string {
  if (value === undefined) return 'no value';
  if (Array.isArray(value)) return 'an array';
  if (value instanceof Uint8Array) return 'bytes';
  const names = { string: 'text', boolean: 'a boolean', bigint: 'an integer', number: 'a double' };
  return names[typeof value as keyof typeof names] ?? 'a map';
}

import type { ProfileType } from '../../../model/profile-type.ts';
import type { AnyValue, KeyValue, Profile, ProfilesData, Sample } from '../../../otlp/profiles-data.ts';
import { tableNames, visitProfiles, visitReferences } from '../../check/references.ts';
import { FrameReader } from '../../flame/frame-reader.ts';
import type { Findings } from './findings.ts';

/** An attribute with the path to what holds it. */
export interface PlacedAttribute extends KeyValue {
  readonly path: string;
}

/** Data under lint, with what the rules of all backends ask of it. */
export class LintContext {
  readonly data: ProfilesData;
  readonly findings: Findings;
  readonly reader: FrameReader;

  constructor(data: ProfilesData, findings: Findings) {
    this.data = data;
    this.findings = findings;
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

  /** Whatever points nowhere: every backend refuses it or falls over it. */
  checkReferences(): void {
    visitReferences(this.data, (table, index, path) => {
      const { length } = this.data.dictionary[table];
      if (index >= 0 && index < length) return;
      this.findings.refused(path, `index ${index} is outside ${tableNames[table]}, which has ${length} entries`);
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

import type { AnyValue, KeyValue, Location, ProfilesData } from '../../src/otlp/profiles-data.ts';
import { InternedDictionary } from '../../src/profile/dictionary/dictionary.ts';

export const startUnixNano = 1_767_225_600_000_000_000n;

export type Attributes = Readonly<Record<string, AnyValue>>;

export interface TestFrame {
  /** Innermost first; absent for a frame that nobody named. */
  readonly names?: readonly string[];
  /** `profile.frame.type`; the default is native, empty leaves it out. */
  readonly type?: string;
  readonly address?: bigint;
  /** File and attributes of the mapping. */
  readonly file?: string;
  readonly mapping?: Attributes;
}

export interface TestSample {
  /** Leaf first. */
  readonly stack?: readonly TestFrame[];
  readonly attributes?: Attributes;
  readonly values?: readonly bigint[];
  /** Nanoseconds after the start. */
  readonly at?: readonly number[];
}

export interface TestProfile {
  /** `type/unit`; the default is samples/count. */
  readonly type?: string;
  /** `type/unit`; the default is cpu/nanoseconds, empty for none. */
  readonly periodType?: string;
  readonly period?: bigint;
  readonly samples: readonly TestSample[];
  readonly resource?: Attributes;
  readonly scope?: Attributes;
}

/** Profiles of five seconds that conform to OTLP, each below a resource of its own. */
export function buildData(...profiles: readonly TestProfile[]): ProfilesData {
  const tables = new InternedDictionary();
  const resourceProfiles = profiles.map((profile, index) => ({
    resource: { attributes: inline(profile.resource ?? { 'service.name': 'shop' }), droppedAttributesCount: 0 },
    scopeProfiles: [
      {
        scope: { name: 'test', version: '1', attributes: inline(profile.scope ?? {}), droppedAttributesCount: 0 },
        profiles: [profileOf(profile, index, tables)],
        schemaUrl: '',
      },
    ],
    schemaUrl: '',
  }));
  return { resourceProfiles, dictionary: tables.tables };
}

function profileOf(profile: TestProfile, index: number, tables: InternedDictionary) {
  const { type = 'samples/count', periodType = 'cpu/nanoseconds', period = 50_000_000n, samples } = profile;
  const valueType = (text: string) => {
    const [name = '', unit = ''] = text.split('/');
    return { typeStrindex: tables.string(name), unitStrindex: tables.string(unit) };
  };
  return {
    sampleType: valueType(type),
    samples: samples.map(({ stack = [{ names: ['main'] }], attributes = {}, values = [], at = [] }) => ({
      stackIndex: tables.stack(stack.map((frame) => tables.location(locationOf(frame, tables)))),
      attributeIndices: intern(attributes, tables),
      linkIndex: 0,
      values,
      timestampsUnixNano: at.map((offset) => startUnixNano + BigInt(offset)),
    })),
    timeUnixNano: startUnixNano,
    durationNano: 5_000_000_000n,
    periodType: valueType(periodType),
    period,
    profileId: new Uint8Array(16).fill(index + 1),
    droppedAttributesCount: 0,
    originalPayloadFormat: '',
    originalPayload: new Uint8Array(),
    attributeIndices: [],
  };
}

function locationOf(frame: TestFrame, tables: InternedDictionary): Location {
  const { names = [], type = 'native', address = 0x1000n, file = '', mapping = {} } = frame;
  const mappingIndex = tables.mapping({
    memoryStart: 0n,
    memoryLimit: 0n,
    fileOffset: 0n,
    filenameStrindex: tables.string(file),
    attributeIndices: intern(mapping, tables),
  });
  const lines = names.map((name) => ({
    functionIndex: tables.function(name, '', '', 0n),
    line: 0n,
    column: 0n,
  }));
  const attributes = type === '' ? {} : { 'profile.frame.type': type };
  return { mappingIndex, address, lines, attributeIndices: intern(attributes, tables) };
}

function intern(attributes: Attributes, tables: InternedDictionary): number[] {
  return Object.entries(attributes).map(([key, value]) => tables.attribute(key, value));
}

function inline(attributes: Attributes): KeyValue[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value }));
}

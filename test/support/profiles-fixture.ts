import type { KeyValueAndUnit, Line, Location, Mapping, ProfilesData } from '../../src/otlp/profiles-data.ts';

export interface FixtureFrame {
  /** Innermost first; empty for an unnamed frame. */
  readonly names?: readonly string[];
  readonly type?: string;
  readonly file?: string;
  readonly startLine?: number;
  readonly line?: number;
  readonly module?: string;
  readonly address?: bigint;
}

export interface FixtureSample {
  readonly service?: string;
  /** Further attributes of the resource. */
  readonly resource?: Readonly<Record<string, string | bigint>>;
  /** Attributes of the sample itself. */
  readonly attributes?: Readonly<Record<string, string | bigint>>;
  /** Leaf first. */
  readonly stack: readonly FixtureFrame[];
  readonly values?: readonly bigint[];
  readonly timestamps?: readonly bigint[];
}

/** Profiles as small as a test can say them: one resource for each sample, one profile type. */
export function profilesOf(samples: readonly FixtureSample[], sampleType = 'samples'): ProfilesData {
  const strings = [''];
  const intern = (text: string): number => {
    const index = strings.indexOf(text);
    return index >= 0 ? index : strings.push(text) - 1;
  };
  const type = { typeStrindex: intern(sampleType), unitStrindex: intern('count') };
  const periodType = { typeStrindex: intern('cpu'), unitStrindex: intern('nanoseconds') };
  const key = intern('profile.frame.type');
  const attributeTable: KeyValueAndUnit[] = [{ keyStrindex: 0, value: undefined, unitStrindex: 0 }];
  const mappingTable: Mapping[] = [mappingOf(0)];
  const locationTable: Location[] = [{ mappingIndex: 0, address: 0n, lines: [], attributeIndices: [] }];
  const functionTable = [{ nameStrindex: 0, systemNameStrindex: 0, filenameStrindex: 0, startLine: 0n }];
  const stackTable: { locationIndices: number[] }[] = [{ locationIndices: [] }];
  const addLocation = (frame: FixtureFrame): number => {
    const lines: Line[] = (frame.names ?? []).map((name) => {
      const filenameStrindex = intern(frame.file ?? '');
      const startLine = BigInt(frame.startLine ?? 0);
      const functionIndex =
        functionTable.push({ nameStrindex: intern(name), systemNameStrindex: 0, filenameStrindex, startLine }) - 1;
      return { functionIndex, line: BigInt(frame.line ?? 0), column: 0n };
    });
    const attribute = attributeTable.push({ keyStrindex: key, value: frame.type ?? 'native', unitStrindex: 0 }) - 1;
    const mappingIndex = frame.module === undefined ? 0 : mappingTable.push(mappingOf(intern(frame.module))) - 1;
    return locationTable.push({ mappingIndex, address: frame.address ?? 0n, lines, attributeIndices: [attribute] }) - 1;
  };
  const addAttribute = ([name, value]: [string, string | bigint]): number => {
    return attributeTable.push({ keyStrindex: intern(name), value, unitStrindex: 0 }) - 1;
  };
  const resourceProfiles = samples.map(({ service, resource = {}, attributes = {}, ...sample }) => ({
    resource: {
      attributes: [
        ...(service === undefined ? [] : [{ key: 'service.name', value: service }]),
        ...Object.entries(resource).map(([name, value]) => ({ key: name, value })),
      ],
      droppedAttributesCount: 0,
    },
    scopeProfiles: [
      {
        scope: { name: 'test', version: '', attributes: [], droppedAttributesCount: 0 },
        schemaUrl: '',
        profiles: [
          {
            sampleType: type,
            samples: [
              {
                stackIndex: stackTable.push({ locationIndices: sample.stack.map(addLocation) }) - 1,
                attributeIndices: Object.entries(attributes).map(addAttribute),
                linkIndex: 0,
                values: sample.values ?? [1n],
                timestampsUnixNano: sample.timestamps ?? [],
              },
            ],
            timeUnixNano: 0n,
            durationNano: 0n,
            periodType,
            period: 10_000_000n,
            profileId: new Uint8Array(16),
            droppedAttributesCount: 0,
            originalPayloadFormat: '',
            originalPayload: new Uint8Array(),
            attributeIndices: [],
          },
        ],
      },
    ],
    schemaUrl: '',
  }));
  const linkTable = [{ traceId: new Uint8Array(), spanId: new Uint8Array() }];
  const tables = { mappingTable, locationTable, functionTable, linkTable, attributeTable, stackTable };
  return { resourceProfiles, dictionary: { ...tables, stringTable: strings } };
}

function mappingOf(filenameStrindex: number): Mapping {
  return { memoryStart: 0n, memoryLimit: 0n, fileOffset: 0n, filenameStrindex, attributeIndices: [] };
}

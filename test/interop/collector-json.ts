import type {
  AnyValue,
  KeyValue,
  KeyValueAndUnit,
  Profile,
  ProfilesData,
  ProfilesDictionary,
  ResourceProfiles,
  Sample,
  ScopeProfiles,
  ValueType,
} from '../../src/otlp/profiles-data.ts';

/**
 * Reads one line that the Collector's file exporter wrote as JSON. On purpose none of the code that we ship takes
 * part: what the Collector understood of our bytes comes back by a way of its own.
 *
 * The Collector leaves zero values out, writes 64-bit integers as text and IDs in hexadecimal, and refers to the
 * string table from resource and scope attributes.
 */
export function parseCollectorJson(line: string): ProfilesData {
  const json = JSON.parse(line) as Json;
  const dictionary = readDictionary(object(json.dictionary));
  const strings = [...dictionary.stringTable];
  return {
    dictionary,
    resourceProfiles: list(json.resourceProfiles).map((item) => readResourceProfiles(item, strings)),
  };
}

type Json = { readonly [key: string]: unknown };

function readDictionary(json: Json): ProfilesDictionary {
  const stringTable = (json.stringTable ?? []) as string[];
  return {
    stringTable,
    mappingTable: list(json.mappingTable).map((item) => ({
      memoryStart: long(item.memoryStart),
      memoryLimit: long(item.memoryLimit),
      fileOffset: long(item.fileOffset),
      filenameStrindex: int(item.filenameStrindex),
      attributeIndices: ints(item.attributeIndices),
    })),
    locationTable: list(json.locationTable).map((item) => ({
      mappingIndex: int(item.mappingIndex),
      address: long(item.address),
      attributeIndices: ints(item.attributeIndices),
      lines: list(item.lines).map((line) => ({
        functionIndex: int(line.functionIndex),
        line: long(line.line),
        column: long(line.column),
      })),
    })),
    functionTable: list(json.functionTable).map((item) => ({
      nameStrindex: int(item.nameStrindex),
      systemNameStrindex: int(item.systemNameStrindex),
      filenameStrindex: int(item.filenameStrindex),
      startLine: long(item.startLine),
    })),
    linkTable: list(json.linkTable).map((item) => ({ traceId: hex(item.traceId), spanId: hex(item.spanId) })),
    attributeTable: list(json.attributeTable).map(
      (item): KeyValueAndUnit => ({
        keyStrindex: int(item.keyStrindex),
        value: readValue(object(item.value), stringTable),
        unitStrindex: int(item.unitStrindex),
      }),
    ),
    stackTable: list(json.stackTable).map((item) => ({ locationIndices: ints(item.locationIndices) })),
  };
}

function readResourceProfiles(json: Json, strings: readonly string[]): ResourceProfiles {
  const resource = object(json.resource);
  return {
    resource: {
      attributes: list(resource.attributes).map((item) => readAttribute(item, strings)),
      droppedAttributesCount: int(resource.droppedAttributesCount),
    },
    scopeProfiles: list(json.scopeProfiles).map((item) => readScopeProfiles(item, strings)),
    schemaUrl: string(json.schemaUrl),
  };
}

function readScopeProfiles(json: Json, strings: readonly string[]): ScopeProfiles {
  const scope = object(json.scope);
  return {
    scope: {
      name: string(scope.name),
      version: string(scope.version),
      attributes: list(scope.attributes).map((item) => readAttribute(item, strings)),
      droppedAttributesCount: int(scope.droppedAttributesCount),
    },
    profiles: list(json.profiles).map(readProfile),
    schemaUrl: string(json.schemaUrl),
  };
}

function readProfile(json: Json): Profile {
  return {
    sampleType: readValueType(object(json.sampleType)),
    samples: list(json.samples).map(readSample),
    timeUnixNano: long(json.timeUnixNano),
    durationNano: long(json.durationNano),
    periodType: readValueType(object(json.periodType)),
    period: long(json.period),
    profileId: hex(json.profileId),
    droppedAttributesCount: int(json.droppedAttributesCount),
    originalPayloadFormat: string(json.originalPayloadFormat),
    originalPayload: Buffer.from(string(json.originalPayload), 'base64'),
    attributeIndices: ints(json.attributeIndices),
  };
}

function readSample(json: Json): Sample {
  return {
    stackIndex: int(json.stackIndex),
    attributeIndices: ints(json.attributeIndices),
    linkIndex: int(json.linkIndex),
    values: ((json.values ?? []) as unknown[]).map(long),
    timestampsUnixNano: ((json.timestampsUnixNano ?? []) as unknown[]).map(long),
  };
}

function readValueType(json: Json): ValueType {
  return { typeStrindex: int(json.typeStrindex), unitStrindex: int(json.unitStrindex) };
}

function readAttribute(json: Json, strings: readonly string[]): KeyValue {
  const reference = int(json.keyStrindex);
  return {
    key: reference === 0 ? string(json.key) : strings[reference]!,
    value: readValue(object(json.value), strings),
  };
}

function readValue(json: Json, strings: readonly string[]): AnyValue {
  const [kind, value] = Object.entries(json)[0] ?? [];
  switch (kind) {
    case undefined:
      return undefined;
    case 'stringValueStrindex':
      return strings[int(value)]!;
    case 'intValue':
      return long(value);
    case 'doubleValue':
      return Number(value);
    case 'bytesValue':
      return Buffer.from(string(value), 'base64');
    case 'arrayValue':
      return list(object(value).values).map((item) => readValue(item, strings));
    case 'kvlistValue':
      return { entries: list(object(value).values).map((item) => readAttribute(item, strings)) };
    case 'stringValue':
    case 'boolValue':
      return value as string | boolean;
    default:
      throw new Error(`unknown kind of attribute value: ${kind}`);
  }
}

function object(value: unknown): Json {
  return (value ?? {}) as Json;
}

function list(value: unknown): readonly Json[] {
  return (value ?? []) as readonly Json[];
}

function string(value: unknown): string {
  return (value ?? '') as string;
}

function int(value: unknown): number {
  return (value ?? 0) as number;
}

function ints(value: unknown): readonly number[] {
  return (value ?? []) as readonly number[];
}

function long(value: unknown): bigint {
  return BigInt((value ?? 0) as string | number);
}

function hex(value: unknown): Uint8Array {
  return Buffer.from(string(value), 'hex');
}

import type {
  Mapping,
  Profile,
  ProfilesData,
  ResourceProfiles,
  Sample,
  ScopeProfiles,
} from '../../otlp/profiles-data.ts';
import type { Frame } from '../../profile/flame/frame-reader.ts';
import { FrameReader, frameLabel } from '../../profile/flame/frame-reader.ts';
import { printableAttributes, printableReferences } from './printable-value.ts';

/** One line for the log. */
export interface LogLine {
  readonly message: string;
  readonly fields: Record<string, unknown>;
}

/** A line a profile: its type, its sum, and the function with the largest share. Faulty data has lines as well. */
export function* normalLines(data: ProfilesData): Generator<LogLine> {
  const reader = new FrameReader(data.dictionary);
  for (const { resource, profile } of profilesOf(data)) {
    const { attributes } = resource.resource;
    const serviceName = attributes.find(({ key }) => key === 'service.name')?.value;
    yield {
      message: 'Profile',
      fields: { service: serviceName ?? '', ...typeFields(profile, reader), ...contentFields(profile, reader) },
    };
  }
}

/** All of each profile: a line for itself, for each sample, and for each mapping of the dictionary. */
export function* detailedLines(data: ProfilesData): Generator<LogLine> {
  const reader = new FrameReader(data.dictionary);
  for (const { resource, scope, profile } of profilesOf(data)) {
    yield { message: 'Profile', fields: detailedFields({ resource, scope, profile }, reader, data) };
    for (const sample of profile.samples) yield { message: 'Sample', fields: sampleFields(sample, reader, data) };
  }
  for (const mapping of data.dictionary.mappingTable.slice(1)) {
    yield { message: 'Mapping', fields: mappingFields(mapping, reader, data) };
  }
}

interface ProfileContext {
  readonly resource: ResourceProfiles;
  readonly scope: ScopeProfiles;
  readonly profile: Profile;
}

function* profilesOf(data: ProfilesData): Generator<ProfileContext> {
  for (const resource of data.resourceProfiles) {
    for (const scope of resource.scopeProfiles) {
      for (const profile of scope.profiles) yield { resource, scope, profile };
    }
  }
}

function typeFields({ sampleType, periodType, period }: Profile, reader: FrameReader): Record<string, unknown> {
  const type = `${reader.text(sampleType.typeStrindex)}/${reader.text(sampleType.unitStrindex)}`;
  const [name, unit] = [reader.text(periodType.typeStrindex), reader.text(periodType.unitStrindex)];
  return name === '' ? { type } : { type, period: `${period} ${unit} of ${name}` };
}

function contentFields({ samples }: Profile, reader: FrameReader): Record<string, unknown> {
  let total = 0n;
  const valuesByLeaf = new Map<string, bigint>();
  for (const sample of samples) {
    const value = countOf(sample);
    const leaf = reader.stackFrames(sample.stackIndex)[0];
    const label = leaf === undefined ? 'an empty stack' : frameLabel(leaf);
    total += value;
    valuesByLeaf.set(label, (valuesByLeaf.get(label) ?? 0n) + value);
  }
  const [top, topValue] = [...valuesByLeaf].reduce((best, entry) => (entry[1] > best[1] ? entry : best), [
    '',
    -1n,
  ] as const);
  if (topValue < 0n) return { samples: 0, value: '0' };
  return { samples: samples.length, value: String(total), top_function: top, top_value: String(topValue) };
}

/** Without values, each timestamp counts 1. */
function countOf({ values, timestampsUnixNano }: Sample): bigint {
  if (values.length === 0) return BigInt(timestampsUnixNano.length);
  return values.reduce((sum, value) => sum + value, 0n);
}

function detailedFields({ resource, scope, profile }: ProfileContext, reader: FrameReader, data: ProfilesData) {
  const { name, version } = scope.scope;
  return {
    resource: printableAttributes(resource.resource.attributes),
    scope: version === '' ? name : `${name} ${version}`,
    ...(scope.scope.attributes.length > 0 && { scope_attributes: printableAttributes(scope.scope.attributes) }),
    profile_id: hex(profile.profileId),
    time_unix_nano: String(profile.timeUnixNano),
    duration_nano: String(profile.durationNano),
    ...typeFields(profile, reader),
    ...contentFields(profile, reader),
    attributes: printableReferences(profile.attributeIndices, data.dictionary),
    ...(profile.originalPayloadFormat !== '' && {
      original_payload: `${profile.originalPayload.length} bytes of ${profile.originalPayloadFormat}`,
    }),
  };
}

function sampleFields(sample: Sample, reader: FrameReader, data: ProfilesData): Record<string, unknown> {
  const link = data.dictionary.linkTable[sample.linkIndex];
  return {
    stack: reader.stackFrames(sample.stackIndex).map(describeFrame),
    ...(sample.values.length > 0 && { values: sample.values.map(String) }),
    ...(sample.timestampsUnixNano.length > 0 && { timestamps_unix_nano: sample.timestampsUnixNano.map(String) }),
    attributes: printableReferences(sample.attributeIndices, data.dictionary),
    ...(sample.linkIndex > 0 && { trace_id: hex(link?.traceId), span_id: hex(link?.spanId) }),
  };
}

/** `checkout (shop.c:42) native shop+0x2345`; of an inlined function, the place is that of the function around it. */
function describeFrame(frame: Frame): string {
  const source = frame.line > 0n ? `${frame.filePath}:${frame.line}` : frame.filePath;
  const parts = [
    frame.functionName,
    source === '' ? '' : `(${source})`,
    frame.isInlined ? 'inlined' : frame.frameType,
    frame.isInlined || frame.address === 0n ? '' : frameLabel({ ...frame, functionName: '' }),
  ];
  return parts.filter((part) => part !== '').join(' ');
}

function mappingFields(mapping: Mapping, reader: FrameReader, data: ProfilesData): Record<string, unknown> {
  return {
    file: reader.text(mapping.filenameStrindex),
    start: `0x${mapping.memoryStart.toString(16)}`,
    limit: `0x${mapping.memoryLimit.toString(16)}`,
    file_offset: String(mapping.fileOffset),
    attributes: printableReferences(mapping.attributeIndices, data.dictionary),
  };
}

function hex(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString('hex');
}

import type { Profile, ProfilesData, Sample } from '../../otlp/profiles-data.ts';
import type { SampleColumns } from '../../otlp/sample-columns.ts';
import { setKey } from './check-duplicates.ts';
import type { FaultList } from './fault-list.ts';
import { visitProfiles } from './references.ts';

/** Profiles are where they belong, and their samples are in time, of one shape and unique. */
export function checkProfiles(data: ProfilesData, faults: FaultList): void {
  if (data.resourceProfiles.length === 0) faults.add('resource_profiles', 'is empty');
  for (const [i, { scopeProfiles }] of data.resourceProfiles.entries()) {
    if (scopeProfiles.length === 0) faults.add(`resource_profiles[${i}]: scope_profiles`, 'is empty');
    for (const [j, { profiles }] of scopeProfiles.entries()) {
      if (profiles.length === 0) faults.add(`resource_profiles[${i}]: scope_profiles[${j}]: profiles`, 'is empty');
    }
  }
  visitProfiles(data, (profile, path) => {
    checkHead(profile, path, faults);
    checkSamples(profile, path, faults);
  });
}

function checkHead(profile: Profile, path: string, faults: FaultList): void {
  const { profileId, originalPayload, originalPayloadFormat } = profile;
  if (profileId.length !== 0 && profileId.length !== 16) {
    faults.add(`${path}: profile_id`, `has ${profileId.length} bytes, must have 16 or none`);
  } else if (profileId.length === 16 && profileId.every((byte) => byte === 0)) {
    faults.add(`${path}: profile_id`, 'is all zero, which is not an ID');
  }
  if ((originalPayload.length === 0) !== (originalPayloadFormat === '')) {
    faults.add(`${path}: original_payload`, 'and original_payload_format must be set or unset together');
  }
}

function checkSamples(profile: Profile, path: string, faults: FaultList): void {
  const firstByIdentity = new Map<string, number>();
  let firstShape: Shape | undefined;
  for (const [index, sample] of profile.samples.entries()) {
    const samplePath = `${path}: sample[${index}]`;
    checkTimestamps(sample, profile, samplePath, faults);
    const shape = shapeOf(sample);
    checkShape(sample, shape, samplePath, faults);
    firstShape ??= shape;
    if (shape !== firstShape) faults.add(samplePath, `has ${shape}, but the samples before have ${firstShape}`);
    const identity = `${sample.stackIndex}|${sample.linkIndex}|${setKey(sample.attributeIndices)}`;
    const first = firstByIdentity.get(identity);
    if (first === undefined) firstByIdentity.set(identity, index);
    else faults.add(samplePath, `has stack, attributes and link of sample[${first}]; they are one sample`);
  }
}

function checkTimestamps(
  sample: Sample,
  { timeUnixNano, durationNano }: Profile,
  path: string,
  faults: FaultList,
): void {
  const endUnixNano = timeUnixNano + durationNano;
  for (const [index, timestamp] of sample.timestampsUnixNano.entries()) {
    if (timestamp >= timeUnixNano && timestamp < endUnixNano) continue;
    const range = `[${timeUnixNano}..${endUnixNano})`;
    faults.add(`${path}: timestamps_unix_nano[${index}]`, `${timestamp} is outside the profile's time ${range}`);
  }
}

/**
 * The fault of a sample of which nobody could say when its values were observed: more than one, and not one for each timestamp.
 * Attributes of nothing are at fault too: they may be the value of an earlier version. One value beside several timestamps is a
 * fault of conformance, and loses nothing: it is left in place.
 */
export function faultOfShape(columns: SampleColumns, index: number): string | undefined {
  const values = columns.valuesEnd(index) - columns.valuesStart(index);
  const timestamps = columns.timesEnd(index) - columns.timesStart(index);
  if (values + timestamps === 0 && columns.attributesEnd(index) > columns.attributesStart(index)) {
    return 'has attributes, and neither value nor timestamp';
  }
  if (values <= 1 || values === timestamps) return undefined;
  return `values: has ${values} elements for ${timestamps} timestamps`;
}

type Shape = 'values and timestamps' | 'values only' | 'timestamps only' | 'neither values nor timestamps';

function shapeOf({ values, timestampsUnixNano }: Sample): Shape {
  if (values.length > 0) return timestampsUnixNano.length > 0 ? 'values and timestamps' : 'values only';
  return timestampsUnixNano.length > 0 ? 'timestamps only' : 'neither values nor timestamps';
}

function checkShape({ values, timestampsUnixNano }: Sample, shape: Shape, path: string, faults: FaultList): void {
  if (shape === 'neither values nor timestamps') {
    faults.add(path, 'needs at least one value or timestamp');
  } else if (shape === 'values only' && values.length !== 1) {
    faults.add(`${path}: values`, `has ${values.length} elements; without timestamps it must have 1`);
  } else if (shape === 'values and timestamps' && values.length !== timestampsUnixNano.length) {
    faults.add(`${path}: values`, `has ${values.length} elements for ${timestampsUnixNano.length} timestamps`);
  }
}

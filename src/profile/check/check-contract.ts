import { frameKinds } from '../../model/frame-kind.ts';
import type {
  Location,
  Mapping,
  Profile,
  ProfilesData,
  ProfilesDictionary,
  Resource,
} from '../../otlp/profiles-data.ts';
import { FrameReader } from '../flame/frame-reader.ts';
import type { ConformanceFault } from './fault-list.ts';
import { FaultList } from './fault-list.ts';
import { visitProfiles, visitReferences } from './references.ts';

/**
 * Promises of our own payloads beyond the specification, because some backend loses data without them: service.name on
 * every resource, a frame type on every location, profile IDs, build IDs in their form, inline attributes with values,
 * and no placeholder for a missing name. Bounded like `checkConformance`.
 */
export function checkContract(
  data: ProfilesData,
  referencedStrings: ReadonlySet<number> = new Set(),
): ConformanceFault[] {
  const faults = new FaultList();
  const reader = new FrameReader(data.dictionary);
  for (const [i, { resource, scopeProfiles }] of data.resourceProfiles.entries()) {
    checkResource(resource, `resource_profiles[${i}]: resource`, faults);
    for (const [j, { scope }] of scopeProfiles.entries()) {
      if (scope.name === '') faults.add(`resource_profiles[${i}]: scope_profiles[${j}]: scope: name`, 'is empty');
    }
  }
  const profileIds = new Map<string, string>();
  visitProfiles(data, (profile, path) => {
    checkProfile(profile, reader, path, faults);
    checkProfileId(profile.profileId, profileIds, path, faults);
  });
  checkDictionary(data.dictionary, reader, faults);
  visitReferences(data, (table, index, path) => {
    if (index === 0 && (table === 'stackTable' || table === 'locationTable' || table === 'functionTable'))
      faults.add(path, 'is 0, which stands for nothing');
  });
  for (const index of referencedStrings) {
    faults.add(`dictionary: string_table[${index}]`, 'is referred to by an attribute; few receivers resolve that');
  }
  return faults.toArray();
}

function checkResource({ attributes }: Resource, path: string, faults: FaultList): void {
  const serviceName = attributes.find(({ key }) => key === 'service.name')?.value;
  if (typeof serviceName !== 'string' || serviceName === '') faults.add(path, 'has no service.name');
  for (const [i, { value }] of attributes.entries()) {
    if (value === undefined) faults.add(`${path}: attributes[${i}]: value`, 'is not set');
  }
}

function checkProfile(profile: Profile, reader: FrameReader, path: string, faults: FaultList): void {
  const [type, unit] = [reader.text(profile.sampleType.typeStrindex), reader.text(profile.sampleType.unitStrindex)];
  const periodType = `${reader.text(profile.periodType.typeStrindex)}/${reader.text(profile.periodType.unitStrindex)}`;
  if (profile.samples.length === 0) faults.add(`${path}: samples`, 'is empty');
  if (profile.durationNano === 0n) faults.add(`${path}: duration_nano`, 'is 0');
  if (type === '' || unit === '') faults.add(`${path}: sample_type`, 'needs a type and a unit');
  if (profile.period < 0n) faults.add(`${path}: period`, `is ${profile.period}, must not be negative`);
  // Pyroscope and Parca multiply the count by the period; Elastic takes no other type for on-CPU.
  if (type === 'samples' && unit === 'count' && (periodType !== 'cpu/nanoseconds' || profile.period === 0n)) {
    faults.add(
      `${path}: period_type`,
      `of samples/count must be cpu/nanoseconds with a period above 0, is ${periodType}`,
    );
  }
}

function checkProfileId(id: Uint8Array, seen: Map<string, string>, path: string, faults: FaultList): void {
  const first = seen.get(id.join());
  if (id.length === 0) faults.add(`${path}: profile_id`, 'is missing');
  else if (first !== undefined) faults.add(`${path}: profile_id`, `is that of ${first}`);
  seen.set(id.join(), path);
}

function checkDictionary(dictionary: ProfilesDictionary, reader: FrameReader, faults: FaultList): void {
  for (const [i, mapping] of dictionary.mappingTable.entries()) {
    checkBuildIds(mapping, reader, `dictionary: mapping_table[${i}]`, faults);
  }
  for (const [i, location] of dictionary.locationTable.entries()) {
    if (i > 0) checkLocation(location, reader, `dictionary: location_table[${i}]`, faults);
  }
  for (const [i, { nameStrindex }] of dictionary.functionTable.entries()) {
    const name = reader.text(nameStrindex);
    if (placeholders.test(name)) faults.add(`dictionary: function_table[${i}]`, `"${name}" stands for a missing name`);
  }
  for (const [i, { value }] of dictionary.attributeTable.entries()) {
    if (i > 0 && value === undefined) faults.add(`dictionary: attribute_table[${i}]: value`, 'is not set');
  }
}

function checkLocation(location: Location, reader: FrameReader, path: string, faults: FaultList): void {
  const frameType = reader.attribute(location.attributeIndices, 'profile.frame.type');
  if (frameType === undefined) faults.add(path, 'has no profile.frame.type');
  else if (!frameTypes.has(frameType)) faults.add(path, `has the unknown profile.frame.type ${String(frameType)}`);
}

function checkBuildIds({ attributeIndices }: Mapping, reader: FrameReader, path: string, faults: FaultList): void {
  for (const [key, form] of buildIdForms) {
    const value = reader.attribute(attributeIndices, key);
    const isRight = value === undefined || (typeof value === 'string' && form.test(value));
    if (!isRight) faults.add(path, `has ${key} ${String(value)}, which is not of its form`);
  }
}

const placeholders = /^(?:UNREPORTED|UNRESOLVED|\[unknown\])$/;

const frameTypes: ReadonlySet<unknown> = new Set(Object.keys(frameKinds).filter((name) => name !== 'unspecified'));

const buildIdForms: readonly (readonly [string, RegExp])[] = [
  ['process.executable.build_id.gnu', /^(?:[0-9a-f]{2})+$/],
  ['process.executable.build_id.htlhash', /^[0-9a-f]{32}$/],
];

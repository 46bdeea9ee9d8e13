import type { Entries, Profile, ProfilesData, Resource, Samples, ValueType } from '../../otlp/profiles-data.ts';
import { entryOf } from '../../otlp/profiles-data.ts';
import { attributeNames } from '../attribute-names.ts';

/** The part of profiles that is wanted; without a field everything is. */
export interface Selection {
  /** `service.name`, or the executable's name. */
  readonly service?: string | undefined;
  readonly pid?: bigint | undefined;
  /** Sample type, with or without its unit (`samples`, `samples/count`), or `cpu` for on-CPU samples. */
  readonly type?: string | undefined;
  /** Samples at or after this time. */
  readonly fromUnixNano?: bigint | undefined;
  /** Samples before this time. */
  readonly toUnixNano?: bigint | undefined;
}

/**
 * The wanted samples, on the same dictionary. A sample with timestamps keeps the wanted ones; one without is in its profile's time.
 * Resources without a sample are left out.
 */
export function selectProfiles(data: ProfilesData, selection: Selection): ProfilesData {
  const { stringTable } = data.dictionary;
  const resourceProfiles = data.resourceProfiles
    .filter(({ resource }) => isWantedResource(resource, selection))
    .map((entry) => ({
      ...entry,
      scopeProfiles: entry.scopeProfiles
        .map((scope) => ({
          ...scope,
          profiles: scope.profiles
            .filter((profile) => isWantedType(profile, selection.type, stringTable))
            .map((profile) => ({ ...profile, samples: wantedSamples(profile, selection) }))
            .filter(({ samples }) => samples.length > 0),
        }))
        .filter(({ profiles }) => profiles.length > 0),
    }))
    .filter(({ scopeProfiles }) => scopeProfiles.length > 0);
  return { resourceProfiles, dictionary: data.dictionary };
}

/** Name of a resource: its service, or else its executable; empty without either. */
export function resourceName({ attributes }: Resource): string {
  const textOf = (name: string): string => {
    const value = attributes.find(({ key }) => key === name)?.value;
    return typeof value === 'string' ? value : '';
  };
  const path = textOf(attributeNames.processExecutablePath);
  const executable = textOf(attributeNames.processExecutableName) || path.slice(path.lastIndexOf('/') + 1);
  return textOf(attributeNames.serviceName) || executable;
}

/** `type/unit` of a sample type. */
export function typeText({ typeStrindex, unitStrindex }: ValueType, stringTable: Entries<string>): string {
  return `${entryOf(stringTable, typeStrindex) ?? ''}/${entryOf(stringTable, unitStrindex) ?? ''}`;
}

/** True if a profile counts samples taken by a clock of the CPU. */
export function isOnCpu({ sampleType, periodType }: Profile, stringTable: Entries<string>): boolean {
  return (
    typeText(sampleType, stringTable) === 'samples/count' && typeText(periodType, stringTable) === 'cpu/nanoseconds'
  );
}

function isWantedResource(resource: Resource, { service, pid }: Selection): boolean {
  if (service !== undefined && resourceName(resource) !== service) return false;
  const value = resource.attributes.find(({ key }) => key === attributeNames.processPid)?.value;
  return pid === undefined || value === pid;
}

function isWantedType(profile: Profile, type: string | undefined, stringTable: Entries<string>): boolean {
  if (type === undefined) return true;
  const name = typeText(profile.sampleType, stringTable);
  return name === type || name.startsWith(`${type}/`) || (type === 'cpu' && isOnCpu(profile, stringTable));
}

function wantedSamples(profile: Profile, { fromUnixNano, toUnixNano }: Selection): Samples {
  if (fromUnixNano === undefined && toUnixNano === undefined) return profile.samples;
  const isWanted = (time: bigint): boolean => {
    return (fromUnixNano === undefined || time >= fromUnixNano) && (toUnixNano === undefined || time < toUnixNano);
  };
  const end = profile.timeUnixNano + profile.durationNano;
  const isProfileWanted =
    (toUnixNano === undefined || profile.timeUnixNano < toUnixNano) &&
    (fromUnixNano === undefined || end > fromUnixNano);
  return [...profile.samples].flatMap((sample) => {
    const { timestampsUnixNano: times, values } = sample;
    if (times.length === 0) return isProfileWanted ? [sample] : [];
    const kept = [...times.keys()].filter((index) => isWanted(times[index]!));
    if (kept.length === 0) return [];
    return [
      {
        ...sample,
        timestampsUnixNano: kept.map((index) => times[index]!),
        values: values.length === times.length ? kept.map((index) => values[index]!) : values,
      },
    ];
  });
}

import type { KeyValue, Profile, ProfilesDictionary, Sample } from '../../../otlp/profiles-data.ts';
import type { Findings } from './findings.ts';
import type { LintContext } from './lint-context.ts';
import { typeName } from './lint-context.ts';

/** Parca takes requests as a whole or not at all (its pkg/normalizer/otel.go). */
export function lintParca(context: LintContext): void {
  const { data, findings } = context;
  context.checkReferences();
  if (data.resourceProfiles.length === 0) findings.refused('resource_profiles', 'is empty');
  checkTables(data.dictionary, findings);
  checkResources(context);
  for (const { key, value, path } of [...context.inlineAttributes(), ...context.sampleAttributes()]) {
    if (value === undefined || typeof value === 'string' || !findings.isFirst(key)) continue;
    findings.dropped(path, `${key} is ${typeName(value)}; only text becomes a label`);
  }
  context.visitProfiles((profile, path) => checkProfile(profile, path, context));
  context.visitSamples((sample, profile, path) => checkSample(sample, profile, path, findings));
}

function checkTables(dictionary: ProfilesDictionary, findings: Findings): void {
  for (const [name, entries] of [
    ['mapping_table', dictionary.mappingTable],
    ['location_table', dictionary.locationTable],
    ['function_table', dictionary.functionTable],
    ['link_table', dictionary.linkTable],
    ['string_table', dictionary.stringTable],
    ['attribute_table', dictionary.attributeTable],
    ['stack_table', dictionary.stackTable],
  ] as const) {
    if (entries.length === 0) findings.refused(`dictionary: ${name}`, 'is empty');
    else if (!isZero(entries[0]!)) findings.refused(`dictionary: ${name}[0]`, 'is not the empty entry');
  }
  for (const [i, { traceId, spanId }] of dictionary.linkTable.entries()) {
    if (i === 0 || (traceId.length === 16 && spanId.length === 8)) continue;
    findings.refused(
      `dictionary: link_table[${i}]`,
      `has IDs of ${traceId.length} and ${spanId.length} bytes, not 16 and 8`,
    );
  }
  for (const [i, { value }] of dictionary.attributeTable.entries()) {
    if (i > 0 && value === undefined) findings.refused(`dictionary: attribute_table[${i}]`, 'has no value');
  }
}

/** Whether an entry says nothing: an empty text, or a message without any field. IDs of zeros are not nothing. */
function isZero(entry: object | string): boolean {
  if (typeof entry === 'string') return entry === '';
  return Object.values(entry).every((value) => {
    if (value instanceof Uint8Array || Array.isArray(value)) return value.length === 0;
    return value === 0 || value === 0n || value === undefined;
  });
}

function checkResources({ data, findings }: LintContext): void {
  for (const [i, { resource, scopeProfiles }] of data.resourceProfiles.entries()) {
    checkKeys(resource.attributes, `resource_profiles[${i}]: resource`, findings);
    for (const [j, { scope }] of scopeProfiles.entries()) {
      if (scope.name !== '') continue;
      findings.misread(
        `resource_profiles[${i}]: scope_profiles[${j}]: scope`,
        'has no name, so profiles are called unknown',
      );
    }
  }
}

function checkKeys(attributes: readonly KeyValue[], path: string, findings: Findings): void {
  const keys = new Set<string>();
  for (const [i, { key, value }] of attributes.entries()) {
    const attributePath = `${path}: attributes[${i}]`;
    if (key === '') findings.refused(attributePath, 'has no key');
    if (value === undefined) findings.refused(attributePath, 'has no value');
    if (keys.has(key)) findings.refused(attributePath, `has the key "${key}" a second time`);
    keys.add(key);
  }
}

function checkProfile(profile: Profile, path: string, context: LintContext): void {
  const { findings } = context;
  const { profileId, samples, period } = profile;
  const { sampleType, sampleUnit } = context.typeOf(profile);
  if (samples.length === 0) findings.refused(`${path}: samples`, 'is empty');
  if (period < 0n) findings.refused(`${path}: period`, `is ${period}, below 0`);
  if (profileId.length !== 0 && (profileId.length !== 16 || profileId.every((byte) => byte === 0))) {
    findings.refused(`${path}: profile_id`, 'is not 16 bytes of which one is not 0');
  }
  if (sampleType === 'samples' && sampleUnit === 'count' && period === 0n) {
    findings.misread(`${path}: period`, 'is 0, and samples/count is multiplied by it');
  }
}

function checkSample(sample: Sample, profile: Profile, path: string, findings: Findings): void {
  const { values, timestampsUnixNano } = sample;
  const [valueCount, momentCount] = [values.length, timestampsUnixNano.length];
  if (valueCount + momentCount === 0) findings.refused(path, 'has neither value nor timestamp');
  if (valueCount > 1 && momentCount === 0)
    findings.refused(path, `has ${valueCount} values and no timestamps, which stops Parca`);
  if (valueCount > 0 && momentCount > 0 && valueCount !== momentCount) {
    findings.refused(path, `has ${valueCount} values for ${momentCount} timestamps`);
  }
  if (values.includes(0n)) findings.dropped(path, 'has the value 0');
  const endUnixNano = profile.timeUnixNano + profile.durationNano;
  const outside = timestampsUnixNano.findIndex((moment) => moment < profile.timeUnixNano || moment > endUnixNano);
  if (outside >= 0) findings.refused(`${path}: timestamps_unix_nano[${outside}]`, "is outside the profile's time");
}

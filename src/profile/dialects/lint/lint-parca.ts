import type { FunctionEntry, KeyValue, Profile, ProfilesDictionary, Sample } from '../../../otlp/profiles-data.ts';
import { entryOf } from '../../../otlp/profiles-data.ts';
import type { LintContext, LintFaults } from './lint-context.ts';
import { typeName } from './lint-context.ts';

/** Parca takes requests as a whole or not at all (its pkg/normalizer/otel.go). */
export function lintParca(context: LintContext): void {
  const { data, faults } = context;
  context.checkReferences();
  if (data.resourceProfiles.length === 0) faults.refused('resource_profiles', 'is empty');
  checkTables(data.dictionary, faults);
  checkFunctions(data.dictionary, faults);
  checkResources(context);
  for (const { key, value, path } of [...context.inlineAttributes(), ...context.sampleAttributes()]) {
    if (value === undefined || typeof value === 'string' || !faults.isFirst(key)) continue;
    faults.dropped(path, `${key} is ${typeName(value)}; only text becomes a label`);
  }
  context.visitProfiles((profile, path) => checkProfile(profile, path, context));
  context.visitSamples((sample, profile, path) => checkSample(sample, profile, path, faults));
}

function checkTables(dictionary: ProfilesDictionary, faults: LintFaults): void {
  for (const [name, entries] of [
    ['mapping_table', dictionary.mappingTable],
    ['location_table', dictionary.locationTable],
    ['function_table', dictionary.functionTable],
    ['link_table', dictionary.linkTable],
    ['string_table', dictionary.stringTable],
    ['attribute_table', dictionary.attributeTable],
    ['stack_table', dictionary.stackTable],
  ] as const) {
    if (entries.length === 0) faults.refused(`dictionary: ${name}`, 'is empty');
    else if (!isZero(entries.at(0)!)) faults.refused(`dictionary: ${name}[0]`, 'is not the empty entry');
  }
  for (const [i, { traceId, spanId }] of dictionary.linkTable.entries()) {
    if (i === 0 || (traceId.length === 16 && spanId.length === 8)) continue;
    faults.refused(
      `dictionary: link_table[${i}]`,
      `has IDs of ${traceId.length} and ${spanId.length} bytes, not 16 and 8`,
    );
  }
  for (const [i, { value }] of dictionary.attributeTable.entries()) {
    if (i > 0 && value === undefined) faults.refused(`dictionary: attribute_table[${i}]`, 'has no value');
  }
}

/** Parca up to v0.28.0 shows the function before the one that a line names (its pkg/profile/encode.go). */
function checkFunctions({ locationTable, functionTable, stringTable }: ProfilesDictionary, faults: LintFaults): void {
  let lineCount = 0;
  let shifted: { readonly path: string; readonly index: number } | undefined;
  let shiftedCount = 0;
  for (const [i, { lines }] of locationTable.entries()) {
    for (const [j, { functionIndex }] of lines.entries()) {
      const entry = entryOf(functionTable, functionIndex);
      if (functionIndex === 0 || entry === undefined) continue;
      lineCount += 1;
      if (isSameFunction(entry, functionTable.at(functionIndex - 1)!)) continue;
      shiftedCount += 1;
      shifted ??= { path: `dictionary: location_table[${i}]: line[${j}]`, index: functionIndex };
    }
  }
  if (shifted === undefined) return;
  const nameOf = (index: number): string => entryOf(stringTable, functionTable.at(index)!.nameStrindex) ?? '';
  const { path, index } = shifted;
  const shown = index === 1 ? 'no function there, which stops it at some queries' : `"${nameOf(index - 1)}"`;
  const rest = `${shiftedCount} of ${lineCount} lines are read so; dialect parca writes each function twice`;
  faults.misread(path, `names "${nameOf(index)}", and Parca up to v0.28.0 shows ${shown}; ${rest}`);
}

function isSameFunction(a: FunctionEntry, b: FunctionEntry): boolean {
  return (
    a.nameStrindex === b.nameStrindex &&
    a.systemNameStrindex === b.systemNameStrindex &&
    a.filenameStrindex === b.filenameStrindex &&
    a.startLine === b.startLine
  );
}

/** True for an entry that says nothing: an empty text, or a message without fields. An ID of zeros is a field. */
function isZero(entry: object | string): boolean {
  if (typeof entry === 'string') return entry === '';
  return Object.values(entry).every((value) => {
    if (value instanceof Uint8Array || Array.isArray(value)) return value.length === 0;
    return value === 0 || value === 0n || value === undefined;
  });
}

function checkResources({ data, faults }: LintContext): void {
  for (const [i, { resource, scopeProfiles }] of data.resourceProfiles.entries()) {
    checkKeys(resource.attributes, `resource_profiles[${i}]: resource`, faults);
    for (const [j, { scope }] of scopeProfiles.entries()) {
      if (scope.name !== '') continue;
      faults.misread(
        `resource_profiles[${i}]: scope_profiles[${j}]: scope`,
        'has no name, so profiles are called unknown',
      );
    }
  }
}

function checkKeys(attributes: readonly KeyValue[], path: string, faults: LintFaults): void {
  const keys = new Set<string>();
  for (const [i, { key, value }] of attributes.entries()) {
    const attributePath = `${path}: attributes[${i}]`;
    if (key === '') faults.refused(attributePath, 'has no key');
    if (value === undefined) faults.refused(attributePath, 'has no value');
    if (keys.has(key)) faults.refused(attributePath, `has the key "${key}" a second time`);
    keys.add(key);
  }
}

function checkProfile(profile: Profile, path: string, context: LintContext): void {
  const { faults } = context;
  const { profileId, samples, period } = profile;
  const { sampleType, sampleUnit } = context.typeOf(profile);
  if (samples.length === 0) faults.refused(`${path}: samples`, 'is empty');
  if (period < 0n) faults.refused(`${path}: period`, `is ${period}, below 0`);
  if (profileId.length !== 0 && (profileId.length !== 16 || profileId.every((byte) => byte === 0))) {
    faults.refused(`${path}: profile_id`, 'is not 16 bytes of which one is not 0');
  }
  if (sampleType === 'samples' && sampleUnit === 'count' && period === 0n) {
    faults.misread(`${path}: period`, 'is 0, and samples/count is multiplied by it');
  }
}

function checkSample(sample: Sample, profile: Profile, path: string, faults: LintFaults): void {
  const { values, timestampsUnixNano } = sample;
  const [valueCount, timestampCount] = [values.length, timestampsUnixNano.length];
  if (valueCount + timestampCount === 0) faults.refused(path, 'has neither value nor timestamp');
  if (valueCount > 1 && timestampCount === 0)
    faults.refused(path, `has ${valueCount} values and no timestamps, which stops Parca`);
  if (valueCount > 0 && timestampCount > 0 && valueCount !== timestampCount) {
    faults.refused(path, `has ${valueCount} values for ${timestampCount} timestamps`);
  }
  if (values.includes(0n)) faults.dropped(path, 'has the value 0');
  const endUnixNano = profile.timeUnixNano + profile.durationNano;
  const outside = timestampsUnixNano.findIndex((each) => each < profile.timeUnixNano || each > endUnixNano);
  if (outside >= 0) faults.refused(`${path}: timestamps_unix_nano[${outside}]`, "is outside the profile's time");
}

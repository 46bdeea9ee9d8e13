import type { AnyValue, Profile } from '../../../otlp/profiles-data.ts';
import { entryOf } from '../../../otlp/profiles-data.ts';
import { LabelKeys } from '../../join/distinct-times.ts';
import { ConvertedSize } from '../profile-cutter.ts';
import { pyroscopeLimits } from '../pyroscope.ts';
import type { LintContext, PlacedAttribute } from './lint-context.ts';
import { typeName } from './lint-context.ts';

/** Problems of profiles in Pyroscope's converter, validation and normalization (its pkg/ingester/otlp, pkg/validation, pkg/pprof). */
export function lintPyroscope(context: LintContext): void {
  context.checkReferences();
  checkTables(context);
  checkLabels(context);
  context.visitProfiles((profile, path) => {
    checkType(profile, path, context);
    checkSize(profile, path, context);
  });
  checkTimes(context);
  checkSamples(context);
  checkLocations(context);
}

/** Of profiles with equal labels at one time, compaction keeps one. Labels are those of a profile and of a sample of it: a series. */
function checkTimes(context: LintContext): void {
  const { data, faults, seen } = context;
  const labels = new LabelKeys();
  for (const [i, { resource, scopeProfiles }] of data.resourceProfiles.entries()) {
    for (const [j, { scope, profiles }] of scopeProfiles.entries()) {
      const own = labels.keyOf(resource, scope);
      for (const [k, profile] of profiles.entries()) {
        const path = `resource_profiles[${i}]: scope_profiles[${j}]: profile[${k}]`;
        const others = new Set<string>();
        for (const series of seriesOf(profile, own, context)) {
          const first = seen.profiles.get(series);
          if (first === undefined) seen.profiles.set(series, seen.prefix + path);
          else others.add(first);
        }
        for (const first of others) {
          const problem = `has the labels, the types and the start of ${first}, and one of the two is kept`;
          faults.dropped(`${path}: time_unix_nano`, problem);
        }
      }
    }
  }
}

/** Keys of the series of a profile at its start; none for an unknown start, for which the time of arrival is taken. */
function seriesOf(profile: Profile, labels: string, context: LintContext): Set<string> {
  if (profile.timeUnixNano === 0n) return new Set();
  const { sampleType, sampleUnit, periodType, periodUnit } = context.typeOf(profile);
  const head = [profile.timeUnixNano, sampleType, sampleUnit, periodType, periodUnit, labels].join(' ');
  return new Set(
    Array.from(profile.samples, ({ attributeIndices }) => {
      const own = context.attributesOf(attributeIndices).filter(({ value }) => isLabel(value));
      return [head, ...own.map(({ key, value }) => `${key}=${value}`).sort()].join(' ');
    }),
  );
}

function checkTables({ data, faults }: LintContext): void {
  for (const [table, name] of [
    ['mappingTable', 'mapping_table'],
    ['functionTable', 'function_table'],
    ['stringTable', 'string_table'],
  ] as const) {
    if (data.dictionary[table].length === 0) faults.refused(`dictionary: ${name}`, 'is empty');
  }
}

function checkLabels(context: LintContext): void {
  const { data, faults } = context;
  const sampleAttributes = context.sampleAttributes();
  for (const each of [...context.inlineAttributes(), ...sampleAttributes]) checkLabel(each, context);
  const sampleKeys = new Set(sampleAttributes.filter(({ value }) => isLabel(value)).map(({ key }) => key));
  for (const [i, { resource, scopeProfiles }] of data.resourceProfiles.entries()) {
    const path = `resource_profiles[${i}]`;
    const scopeAttributes = scopeProfiles.flatMap(({ scope }) => scope.attributes);
    const labels = [...resource.attributes, ...scopeAttributes].filter(({ value }) => isLabel(value));
    const names = new Set([...labels.map(({ key }) => key), ...sampleKeys]);
    const count = names.size + ownLabels;
    if (count > pyroscopeLimits.maxLabelNames) {
      faults.refused(path, `attributes and Pyroscope's own make ${count} labels, the limit is 30`);
    }
    const serviceName = resource.attributes.find(({ key }) => key === 'service.name')?.value;
    if (serviceName === undefined && !sampleKeys.has('service.name')) {
      faults.misread(`${path}: resource`, 'has no service.name, so it is shown as unknown_service');
    }
  }
}

/** `__name__`, `service_name`, `__delta__`, `__otel__`. */
const ownLabels = 4;

const seriesKeys: ReadonlySet<string> = new Set(['thread.id', 'cpu.logical_number', 'process.pid']);

function checkLabel({ key, value, path }: PlacedAttribute, { faults }: LintContext): void {
  const { maxLabelNameBytes, maxLabelValueBytes } = pyroscopeLimits;
  if (!isLabel(value)) {
    faults.dropped(path, `${key} is ${typeName(value)}; only text and integers become labels`);
    return;
  }
  if (key === '') faults.refused(path, 'has no key');
  if (Buffer.byteLength(key) > maxLabelNameBytes)
    faults.refused(path, `its key is longer than ${maxLabelNameBytes} bytes`);
  if (Buffer.byteLength(String(value)) > maxLabelValueBytes) {
    faults.refused(path, `${key} is longer than ${maxLabelValueBytes} bytes`);
  }
  if (seriesKeys.has(key) && faults.isFirst(key)) faults.misread(path, `${key} makes a series of each of its values`);
}

function isLabel(value: AnyValue): boolean {
  const single = Array.isArray(value) && value.length === 1 ? value[0] : value;
  return typeof single === 'string' || typeof single === 'bigint';
}

function checkType(profile: Profile, path: string, context: LintContext): void {
  const { faults } = context;
  const { sampleType, sampleUnit, periodType, period } = context.typeOf(profile);
  if (sampleType.includes('-')) faults.refused(`${path}: sample_type`, `"${sampleType}" contains "-"`);
  if (!isOffCpu(profile, context) && (periodType === '' || period === 0n)) {
    faults.refused(`${path}: period_type`, `${sampleType}/${sampleUnit} has no period, so the profile has no name`);
  }
  const { timeUnixNano } = profile;
  if (timeUnixNano > 0n && timeUnixNano < year2001UnixNano) {
    faults.refused(`${path}: time_unix_nano`, `${timeUnixNano} is more than an hour ago: it is not in nanoseconds`);
  }
}

const year2001UnixNano = 1_000_000_000_000_000_000n;

function isOffCpu(profile: Profile, context: LintContext): boolean {
  const { sampleType, sampleUnit } = context.typeOf(profile);
  return sampleType === 'off_cpu' && sampleUnit === 'nanoseconds';
}

function checkSize({ samples }: Profile, path: string, { data, faults }: LintContext): void {
  const { maxSamples, maxConvertedBytes } = pyroscopeLimits;
  if (samples.length > maxSamples)
    faults.refused(`${path}: samples`, `has ${samples.length}, the limit is ${maxSamples}`);
  const size = new ConvertedSize(data.dictionary);
  for (const sample of samples) size.add(sample);
  if (size.bytes > maxConvertedBytes) {
    faults.refused(
      path,
      `becomes about ${size.bytes} bytes of pprof; above ${maxConvertedBytes} it is refused for ever`,
    );
  }
}

function checkSamples(context: LintContext): void {
  const { data, faults } = context;
  context.visitSamples(({ values, timestampsUnixNano, stackIndex, attributeIndices }, profile, path) => {
    const { periodType, period } = context.typeOf(profile);
    const isSummed = isOffCpu(profile, context) && (period === 0n || periodType === '');
    if (values.length + timestampsUnixNano.length === 0) faults.refused(path, 'has neither value nor timestamp');
    if (values.length > 1 && !isSummed) faults.refused(`${path}: values`, `has ${values.length}, it must be 1`);
    if (values.some((value) => value < 0n)) faults.dropped(path, 'has a negative value');
    else if (values.length > 0 && values.every((value) => value === 0n)) faults.dropped(path, 'has the value 0');
    if (attributeIndices.length > 100) faults.refused(path, `has ${attributeIndices.length} labels, the limit is 100`);
    const locations = entryOf(data.dictionary.stackTable, stackIndex)?.locationIndices ?? [];
    if (locations.length > 1000)
      faults.misread(path, `of ${locations.length} frames the 1000 nearest to the root are kept`);
  });
}

function checkLocations({ data, reader, faults }: LintContext): void {
  for (const [i, { address, lines }] of data.dictionary.locationTable.entries()) {
    const path = `dictionary: location_table[${i}]`;
    if (i === 0) continue;
    if (lines.length > 0 && reader.locationFrames(i).every(({ functionName }) => functionName === '')) {
      faults.misread(path, 'has no name, so it is shown as an empty box');
    } else if (lines.length === 0 && address === 0n) {
      faults.dropped(path, 'has neither name nor address, and takes its samples with it');
    } else if (lines.length === 0) faults.dropped(path, 'has no name, so it is missing in flame graphs');
  }
}

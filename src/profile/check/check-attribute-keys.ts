import type { AnyValue, KeyValue, ProfilesData, ProfilesDictionary } from '../../otlp/profiles-data.ts';
import { entryOf, isKeyValueList } from '../../otlp/profiles-data.ts';
import type { FaultList } from './fault-list.ts';
import { visitProfiles } from './references.ts';

/** Keys are unique within each list of attributes, and no key of an inline attribute is empty. */
export function checkAttributeKeys(data: ProfilesData, faults: FaultList): void {
  const { dictionary } = data;
  for (const [i, { resource, scopeProfiles }] of data.resourceProfiles.entries()) {
    checkInline(resource.attributes, `resource_profiles[${i}]: resource: attributes`, faults);
    for (const [j, { scope }] of scopeProfiles.entries()) {
      checkInline(scope.attributes, `resource_profiles[${i}]: scope_profiles[${j}]: scope: attributes`, faults);
    }
  }
  visitProfiles(data, (profile, path) => {
    checkIndices(dictionary, profile.attributeIndices, path, faults);
    for (const [i, sample] of profile.samples.entries()) {
      if (sample.attributeIndices.length < 2) continue;
      checkIndices(dictionary, sample.attributeIndices, `${path}: sample[${i}]`, faults);
    }
  });
  for (const [i, { attributeIndices }] of dictionary.mappingTable.entries()) {
    checkIndices(dictionary, attributeIndices, `dictionary: mapping_table[${i}]`, faults);
  }
  for (const [i, { attributeIndices }] of dictionary.locationTable.entries()) {
    checkIndices(dictionary, attributeIndices, `dictionary: location_table[${i}]`, faults);
  }
  for (const [i, { value }] of dictionary.attributeTable.entries()) {
    checkValue(value, `dictionary: attribute_table[${i}]: value`, faults);
  }
}

function checkIndices(
  dictionary: ProfilesDictionary,
  indices: readonly number[],
  path: string,
  faults: FaultList,
): void {
  const positions = new Map<string, number>();
  for (const [position, index] of indices.entries()) {
    // An index that points nowhere is a fault of another rule.
    const key = entryOf(dictionary.stringTable, dictionary.attributeTable[index]?.keyStrindex ?? -1);
    if (key === undefined) continue;
    const first = positions.get(key);
    if (first === undefined) positions.set(key, position);
    else faults.add(`${path}: attribute_indices[${position}]`, `has the key "${key}", as [${first}] has`);
  }
}

function checkInline(attributes: readonly KeyValue[], path: string, faults: FaultList): void {
  const positions = new Map<string, number>();
  for (const [position, { key, value }] of attributes.entries()) {
    const first = positions.get(key);
    if (key === '') faults.add(`${path}[${position}]: key`, 'is empty; an attribute needs a key');
    else if (first === undefined) positions.set(key, position);
    else faults.add(`${path}[${position}]: key`, `is "${key}", as that of [${first}]`);
    checkValue(value, `${path}[${position}]: value`, faults);
  }
}

function checkValue(value: AnyValue, path: string, faults: FaultList): void {
  if (isKeyValueList(value)) checkInline(value.entries, `${path}: kvlist_value: values`, faults);
  else if (Array.isArray(value)) {
    for (const [i, item] of value.entries()) checkValue(item, `${path}: array_value: values[${i}]`, faults);
  }
}

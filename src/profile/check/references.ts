import type { Profile, ProfilesData, ProfilesDictionary, Table, ValueType } from '../../otlp/profiles-data.ts';

/** The tables in the order of their field numbers, under the names of the protocol. */
export const tableNames: Readonly<Record<Table, string>> = {
  mappingTable: 'mapping_table',
  locationTable: 'location_table',
  functionTable: 'function_table',
  linkTable: 'link_table',
  stringTable: 'string_table',
  attributeTable: 'attribute_table',
  stackTable: 'stack_table',
};

/** `path` leads to the field that holds `index`. */
export type VisitReference = (table: Table, index: number, path: string) => void;

/** Visits every index that a payload holds, in a table or in a profile: all that can dangle, and all that keeps an entry in use. */
export function visitReferences(data: ProfilesData, visit: VisitReference): void {
  visitProfiles(data, (profile, path) => visitProfile(profile, path, visit));
  visitDictionary(data.dictionary, visit);
}

/** Visits every profile with its path. */
export function visitProfiles(data: ProfilesData, visit: (profile: Profile, path: string) => void): void {
  for (const [i, { scopeProfiles }] of data.resourceProfiles.entries()) {
    for (const [j, { profiles }] of scopeProfiles.entries()) {
      for (const [k, profile] of profiles.entries()) {
        visit(profile, `resource_profiles[${i}]: scope_profiles[${j}]: profile[${k}]`);
      }
    }
  }
}

function visitProfile(profile: Profile, path: string, visit: VisitReference): void {
  visitValueType(profile.sampleType, `${path}: sample_type`, visit);
  visitValueType(profile.periodType, `${path}: period_type`, visit);
  visitList('attributeTable', profile.attributeIndices, `${path}: attribute_indices`, visit);
  for (const [i, sample] of profile.samples.entries()) {
    const samplePath = `${path}: sample[${i}]`;
    visit('stackTable', sample.stackIndex, `${samplePath}: stack_index`);
    visitList('attributeTable', sample.attributeIndices, `${samplePath}: attribute_indices`, visit);
    visit('linkTable', sample.linkIndex, `${samplePath}: link_index`);
  }
}

function visitValueType(type: ValueType, path: string, visit: VisitReference): void {
  visit('stringTable', type.typeStrindex, `${path}: type_strindex`);
  visit('stringTable', type.unitStrindex, `${path}: unit_strindex`);
}

function visitDictionary(dictionary: ProfilesDictionary, visit: VisitReference): void {
  for (const [i, mapping] of dictionary.mappingTable.entries()) {
    const path = `dictionary: mapping_table[${i}]`;
    visit('stringTable', mapping.filenameStrindex, `${path}: filename_strindex`);
    visitList('attributeTable', mapping.attributeIndices, `${path}: attribute_indices`, visit);
  }
  for (const [i, location] of dictionary.locationTable.entries()) {
    const path = `dictionary: location_table[${i}]`;
    visit('mappingTable', location.mappingIndex, `${path}: mapping_index`);
    visitList('attributeTable', location.attributeIndices, `${path}: attribute_indices`, visit);
    for (const [j, line] of location.lines.entries()) {
      visit('functionTable', line.functionIndex, `${path}: line[${j}]: function_index`);
    }
  }
  for (const [i, entry] of dictionary.functionTable.entries()) {
    const path = `dictionary: function_table[${i}]`;
    visit('stringTable', entry.nameStrindex, `${path}: name_strindex`);
    visit('stringTable', entry.systemNameStrindex, `${path}: system_name_strindex`);
    visit('stringTable', entry.filenameStrindex, `${path}: filename_strindex`);
  }
  for (const [i, attribute] of dictionary.attributeTable.entries()) {
    const path = `dictionary: attribute_table[${i}]`;
    visit('stringTable', attribute.keyStrindex, `${path}: key_strindex`);
    visit('stringTable', attribute.unitStrindex, `${path}: unit_strindex`);
  }
  for (const [i, { locationIndices }] of dictionary.stackTable.entries()) {
    visitList('locationTable', locationIndices, `dictionary: stack_table[${i}]: location_indices`, visit);
  }
}

function visitList(table: Table, indices: readonly number[], path: string, visit: VisitReference): void {
  for (const [i, index] of indices.entries()) visit(table, index, `${path}[${i}]`);
}

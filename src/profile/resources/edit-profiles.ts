import type { KeyValue, Profile, ProfilesData } from '../../otlp/profiles-data.ts';
import type { ResourceEdit, ResourceEditor } from '../../otlp/resource-edit.ts';
import { attributeNames } from '../attribute-names.ts';
import { withDistinctTimes } from '../join/distinct-times.ts';
import { mergeProfiles } from '../join/profiles-joiner.ts';
import { ResourceTree } from '../join/resource-tree.ts';
import { filterSamples } from './filter-samples.ts';

/**
 * Profiles with edited resources. Resources that have become equal are one, with the profiles of all; the dictionary loses what
 * only dropped resources and samples used. The same object where nothing changes. Indices of `data` are sound.
 */
export function editProfiles(data: ProfilesData, editor: ResourceEditor): ProfilesData {
  const { resourceProfiles, dictionary } = data;
  const attributes = resourceProfiles.map(({ resource }) => resource.attributes);
  const edits = editor.edit(attributes, { isServiceOnSamples: isServiceOnSamples(data) });
  if (edits.every((edit, index) => isAsItWas(edit, attributes[index]!))) return data;
  const tree = new ResourceTree<Profile[]>();
  const filters = edits.map((edit) => (edit.kind === 'kept' ? edit.samples : undefined));
  let hasDropped = filters.some((each) => each !== undefined);
  for (const [index, entry] of filterSamples(data, filters, editor).entries()) {
    const edit = edits[index]!;
    if (edit.kind === 'dropped') {
      hasDropped = true;
      editor.countDropped(edit.by, countSamplesOf(entry.scopeProfiles));
      continue;
    }
    const resource = { ...entry.resource, attributes: edit.attributes };
    for (const scope of entry.scopeProfiles) {
      const profiles = tree.get({ ...entry, resource }, scope, () => []);
      for (const profile of scope.profiles) profiles.push(profile);
    }
  }
  const edited = { resourceProfiles: tree.build((profiles) => profiles), dictionary };
  // Writing the dictionary anew also parts profiles that begin together.
  return hasDropped ? mergeProfiles([edited]) : withDistinctTimes(edited);
}

function isAsItWas(edit: ResourceEdit, attributes: readonly KeyValue[]): boolean {
  return edit.kind === 'kept' && edit.attributes === attributes && edit.samples === undefined;
}

function isServiceOnSamples({ dictionary }: ProfilesData): boolean {
  const { stringTable, attributeTable } = dictionary;
  return attributeTable.some(({ keyStrindex }) => stringTable.at(keyStrindex) === attributeNames.serviceName);
}

function countSamplesOf(scopes: ProfilesData['resourceProfiles'][number]['scopeProfiles']): number {
  let count = 0;
  for (const { profiles } of scopes) for (const { samples } of profiles) count += samples.length;
  return count;
}

import { isFileId, isOnCpu } from '../elastic.ts';
import type { LintContext } from './lint-context.ts';

/** Problems of profiles in the Collector's Elasticsearch exporter (contrib, exporter/elasticsearchexporter). */
export function lintElastic(context: LintContext): void {
  const { data, faults } = context;
  context.checkReferences();
  context.visitProfiles((profile, path) => {
    const type = context.typeOf(profile);
    if (!isOnCpu(type)) {
      const name = `${type.sampleType}/${type.sampleUnit} with period ${type.periodType}/${type.periodUnit}`;
      faults.refused(path, `is ${name}; only samples/count with period cpu/nanoseconds is taken`);
    } else if (type.period <= 0n) faults.misread(`${path}: period`, `is ${type.period}, so it counts as 1 Hz`);
  });
  context.visitSamples(({ timestampsUnixNano }, _profile, path) => {
    if (timestampsUnixNano.length === 0) faults.dropped(path, 'has no timestamp');
  });
  for (const [i, { attributeIndices }] of data.dictionary.locationTable.entries()) {
    const hasType = context.attributesOf(attributeIndices).some(({ key }) => key === 'profile.frame.type');
    if (i > 0 && !hasType) faults.refused(`dictionary: location_table[${i}]`, 'has no profile.frame.type');
  }
  checkMappings(context);
  for (const [i, { resource }] of data.resourceProfiles.entries()) {
    if (resource.attributes.some(({ key, value }) => key === 'host.id' && value !== '')) continue;
    faults.misread(`resource_profiles[${i}]: resource`, 'has no host.id, so it belongs to no host');
  }
}

function checkMappings(context: LintContext): void {
  const { data, faults, reader } = context;
  for (const [i, { attributeIndices, filenameStrindex }] of data.dictionary.mappingTable.entries()) {
    if (i === 0) continue;
    const path = `dictionary: mapping_table[${i}]`;
    const hash = reader.attribute(attributeIndices, 'process.executable.build_id.htlhash');
    if (hash === undefined) {
      faults.misread(path, 'has no process.executable.build_id.htlhash, so its frames cannot be symbolized');
    } else if (!isFileId(hash)) faults.refused(path, 'has a process.executable.build_id.htlhash that cannot be read');
    if (reader.text(filenameStrindex) === '')
      faults.misread(path, 'has no file name, so it is not among the executables');
  }
}

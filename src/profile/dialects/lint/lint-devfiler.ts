import { devfilerFrameTypes, hasFileId } from '../devfiler.ts';
import type { LintContext } from './lint-context.ts';

/** devfiler looks at every location of the dictionary, used or not, and refuses the request for one (its src/collector/otlp). */
export function lintDevfiler(context: LintContext): void {
  context.checkReferences();
  checkLocations(context);
  checkMappings(context);
  context.visitProfiles((profile, path) => {
    const { sampleType, sampleUnit } = context.typeOf(profile);
    if (sampleType === '' || sampleUnit === '') {
      context.faults.refused(`${path}: sample_type`, 'needs a type and a unit');
    }
  });
  context.visitSamples(({ values, timestampsUnixNano }, _profile, path) => {
    if (timestampsUnixNano.length === 0) {
      context.faults.misread(path, 'has no timestamp, so it is shown in January 1970');
    }
    if (values.some((value) => value !== 1n)) {
      context.faults.misread(path, 'has values other than 1, and each timestamp counts 1');
    }
  });
}

function checkLocations(context: LintContext): void {
  const { data, faults } = context;
  for (const [i, { attributeIndices, lines, address, mappingIndex }] of data.dictionary.locationTable.entries()) {
    if (i === 0) continue;
    const path = `dictionary: location_table[${i}]`;
    const attributes = context.attributesOf(attributeIndices);
    if (attributes.some(({ key }) => key === '')) faults.refused(path, 'has an attribute without a key');
    const frameType = attributes.find(({ key }) => key === 'profile.frame.type')?.value;
    if (typeof frameType !== 'string') {
      faults.refused(path, 'has no profile.frame.type');
      continue;
    }
    if (!devfilerFrameTypes.has(frameType)) faults.refused(path, `has the unknown profile.frame.type ${frameType}`);
    if (frameType === 'native' || frameType === 'kernel') continue;
    if (lines.length > 1) faults.misread(path, `of ${lines.length} lines the first alone is shown`);
    const hasFile = (data.dictionary.mappingTable[mappingIndex]?.attributeIndices.length ?? 0) > 0;
    if (address === 0n && hasFile) faults.misread(path, 'is frame 0 of its file, as are all others without an address');
  }
}

function checkMappings(context: LintContext): void {
  for (const [i, { attributeIndices }] of context.data.dictionary.mappingTable.entries()) {
    if (attributeIndices.length === 0 || hasFileId(context.attributesOf(attributeIndices))) continue;
    const problem = 'has attributes, but no process.executable.build_id.htlhash that can be read';
    context.faults.refused(`dictionary: mapping_table[${i}]`, problem);
  }
}

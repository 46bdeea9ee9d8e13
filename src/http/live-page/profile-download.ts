import type { RenderOptions, TargetFormat } from '../../profile/formats/render-profiles.ts';
import { renderProfiles, targetFormats } from '../../profile/formats/render-profiles.ts';
import { groupings } from '../../profile/formats/weighted-stacks.ts';
import { profilesOfHistory } from '../../profile/history/profiles-of-history.ts';
import { Groups, groupStacks } from '../../profile/history/selection.ts';
import type { WorkSlices } from '../../profile/history/work-slices.ts';
import { mergeProfiles } from '../../profile/join/profiles-joiner.ts';
import type { QueryScope } from './live-queries.ts';
import { readSelection } from './live-queries.ts';
import type { QueryParameters } from './query-parameters.ts';
import { BadParameter } from './query-parameters.ts';

/** A file with the selected profiles. */
export interface ProfileFile {
  readonly content: string | Uint8Array;
  readonly mediaType: string;
  /** Safe in a header. */
  readonly name: string;
  /** Number of the smallest stacks that found no room. */
  readonly omittedStacks: number;
}

const mediaTypes: Record<TargetFormat, string> = {
  pprof: 'application/octet-stream',
  folded: 'text/plain; charset=utf-8',
  speedscope: 'application/json; charset=utf-8',
  svg: 'image/svg+xml',
  otlp: 'application/x-protobuf',
  'otlp-json': 'application/json; charset=utf-8',
};

const endings: Record<TargetFormat, string> = {
  pprof: 'pb.gz',
  folded: 'folded',
  speedscope: 'speedscope.json',
  svg: 'svg',
  otlp: 'otlp',
  'otlp-json': 'otlp.json',
};

/** Reads the parameters of a download; the result makes the file. @throws BadParameter */
export function prepareDownload(
  parameters: QueryParameters,
  scope: QueryScope,
  exporter: string,
): (slices: WorkSlices) => Promise<ProfileFile | undefined> {
  const { selection, range, type } = readSelection(parameters, scope);
  const to = parameters.choice('format', targetFormats, 'pprof');
  const by = parameters.text('by') || 'service';
  const groupBy = by === 'none' ? [] : by.split(',').map((name) => groupings.find((each) => each === name) ?? name);
  if (!groupBy.every((name) => (groupings as readonly string[]).includes(name))) {
    throw new BadParameter('by', by, `write some of ${groupings.join(', ')}, with commas, or none`);
  }
  return async (slices) => {
    if (type === undefined) return undefined;
    const { contents } = scope;
    const groups = new Groups(contents.dictionary, 'label_set');
    const stacks = await groupStacks(contents, range, selection, groups, slices);
    const { data, omittedStacks } = await profilesOfHistory(contents.dictionary, stacks, type, range, slices);
    const options = { to, groupBy, hasTimestamps: false, exporter } as RenderOptions;
    const content = await renderProfiles(mergeProfiles([data]), options, () => undefined);
    const service = (selection.labels.service ?? '').replace(/[^\w.-]+/g, '_').slice(0, 60);
    const time = new Date(range.endUnixMs).toISOString().replace(/[-:]/g, '').slice(0, 15);
    const name = `framekeeper-${service === '' ? '' : `${service}-`}${time}.${endings[to]}`;
    return { content, mediaType: mediaTypes[to], name, omittedStacks };
  };
}

import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { encodeProfilesJson } from '../../otlp/json/encode-profiles-json.ts';
import type { ProfilesData } from '../../otlp/profiles-data.ts';
import { encodeProfilesData } from '../../otlp/protobuf/encode-profiles-data.ts';
import { encodePprof } from './encode-pprof.ts';
import { flameSvg } from './flame-svg.ts';
import { foldedText } from './folded.ts';
import { pprofFromProfiles } from './pprof-from-profiles.ts';
import { speedscopeJson } from './speedscope.ts';
import type { Grouping, WeightedStacks } from './weighted-stacks.ts';
import { weightedStacks } from './weighted-stacks.ts';

export const targetFormats = ['pprof', 'folded', 'speedscope', 'svg', 'otlp', 'otlp-json'] as const;

export type TargetFormat = (typeof targetFormats)[number];

export interface RenderOptions {
  readonly to: TargetFormat;
  /** First frames of folded, speedscope and svg. */
  readonly groupBy: readonly Grouping[];
  /** With pprof: a sample for each timestamp. */
  readonly hasTimestamps: boolean;
  /** Name of the program and its version. */
  readonly exporter: string;
}

/**
 * Profiles in another format. `tell` hears full sentences about content that the format has no place for. Indices must be sound and the
 * dictionary without orphans, as `mergeProfiles` leaves it.
 */
export async function renderProfiles(
  data: ProfilesData,
  { to, groupBy, hasTimestamps, exporter }: RenderOptions,
  tell: (text: string) => void,
): Promise<string | Uint8Array> {
  if (to === 'otlp') return encodeProfilesData(data);
  if (to === 'otlp-json') return `${encodeProfilesJson(data)}\n`;
  if (to === 'pprof') {
    const { profile, losses } = pprofFromProfiles(data, { hasTimestamps });
    const parts = [...losses].map(([part, count]) => `${count.toLocaleString('en-US')} ${part}`);
    if (parts.length > 0) tell(`pprof has no place for ${parts.join(', ')}.`);
    // Compression is part of the format.
    return promisify<Uint8Array, Buffer>(gzip)(encodePprof(profile));
  }
  const stacks = weightedStacks(data, groupBy);
  for (const [type, count] of stacks.otherTypes) {
    tell(`left out ${count.toLocaleString('en-US')} samples of ${type}; --type chooses them.`);
  }
  if (to === 'folded') return foldedText(stacks);
  return to === 'svg' ? flameSvg(stacks, titleOf(stacks)) : speedscopeJson(stacks, exporter);
}

function titleOf({ type, stacks, periodNano }: WeightedStacks): string {
  const total = stacks.reduce((sum, { value }) => sum + value, 0n);
  const time = periodNano === undefined ? '' : `, ${(Number(total * periodNano) / 1e9).toFixed(1)} s on CPU`;
  return `${total.toLocaleString('en-US')} ${type}${time}`;
}

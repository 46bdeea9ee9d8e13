import { readFile, writeFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { InvalidMessage } from '../model/invalid-message.ts';
import type { ProfilesData } from '../otlp/profiles-data.ts';
import { renderProfiles } from '../profile/formats/render-profiles.ts';
import { resourceName, selectProfiles, typeText } from '../profile/formats/select-profiles.ts';
import { mergeProfiles } from '../profile/join/profiles-joiner.ts';
import { version } from '../support/version.ts';
import { exitCodes } from './command-io.ts';
import type { ConvertOptions } from './convert/convert-options.ts';
import { convertHelp, parseConvertOptions } from './convert/convert-options.ts';
import { readProfilesFile } from './inspect/read-profiles-file.ts';

/** The part of the process that the command may touch. */
export interface ConvertIo {
  stdout(content: string | Uint8Array): void;
  stderr(text: string): void;
  readonly stdin: AsyncIterable<Uint8Array>;
  /** True if standard output is a terminal, which bytes would confuse. */
  readonly isTerminal: boolean;
}

/**
 * Runs `framekeeper convert`. The exit code: 0; 1 when a file is none of profiles or no sample is left; 2 when the arguments are
 * wrong, or a file cannot be read or written.
 */
export async function runConvert(args: readonly string[], io: ConvertIo): Promise<number> {
  const parsed = parseConvertOptions(args);
  if (parsed.kind === 'help') {
    io.stdout(convertHelp);
    return exitCodes.ok;
  }
  const tell = (text: string): void => io.stderr(`framekeeper convert: ${text}\n`);
  if (parsed.kind === 'problem') {
    tell(`${parsed.problem}; see --help.`);
    return exitCodes.usage;
  }
  const { options } = parsed;
  const isBinary = options.to === 'pprof' || options.to === 'otlp';
  if (options.output === undefined && isBinary && io.isTerminal) {
    tell(`${options.to} is binary; write it to a file with -o FILE.`);
    return exitCodes.usage;
  }
  try {
    return await convert(options, tell, io);
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error;
    tell(error.message);
    return exitCodes.usage;
  }
}

async function convert(options: ConvertOptions, tell: (text: string) => void, io: ConvertIo): Promise<number> {
  const read: ProfilesData[] = [];
  for (const path of options.paths) {
    try {
      const bytes = path === '-' ? await buffer(io.stdin) : await readFile(path);
      for (const { data } of (await readProfilesFile(bytes)).messages) read.push(data);
    } catch (error) {
      if (!(error instanceof InvalidMessage)) throw error;
      tell(`${path}: is not a file of profiles: ${error.message}`);
      return exitCodes.failure;
    }
  }
  // One dictionary without orphans, whatever the files had.
  const data = mergeProfiles(read.map((message) => selectProfiles(message, options.selection)));
  if (data.resourceProfiles.length === 0) {
    tell(`no sample is left of ${namesOf(read)}.`);
    return exitCodes.failure;
  }
  const content = await renderProfiles(data, { ...options, exporter: `framekeeper@${version}` }, tell);
  if (options.output === undefined) io.stdout(content);
  else await writeFile(options.output, content);
  return exitCodes.ok;
}

/** Services and types of the files, at most ten of each: the words that a selection can use. */
function namesOf(read: readonly ProfilesData[]): string {
  const services = new Set<string>();
  const types = new Set<string>();
  for (const { resourceProfiles, dictionary } of read) {
    for (const { resource, scopeProfiles } of resourceProfiles) {
      services.add(resourceName(resource) || '(no service.name)');
      for (const profile of scopeProfiles.flatMap(({ profiles }) => profiles)) {
        types.add(typeText(profile.sampleType, dictionary.stringTable));
      }
    }
  }
  const list = (names: Set<string>): string => [...names].slice(0, 10).join(', ') + (names.size > 10 ? ', …' : '');
  return services.size === 0 ? 'files without any' : `the services ${list(services)} and the types ${list(types)}`;
}

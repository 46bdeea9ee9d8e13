import type { FindProblems } from '../config/check-document.ts';
import type { ComponentType } from '../config/component-type.ts';
import type { ConfigSources } from '../config/config-source.ts';
import type { CommandIo } from './command-io.ts';
import { exitCodes } from './command-io.ts';
import { readConfig } from './read-config.ts';

/** Checks a configuration as far as it can be without starting anything; prints faults and warnings alone. */
export async function runValidate(
  args: { readonly sources: ConfigSources },
  types: readonly ComponentType[],
  io: CommandIo,
  findProblems?: FindProblems,
): Promise<number> {
  const config = readConfig(args.sources, types, io, findProblems);
  if (config === undefined) return exitCodes.usage;
  for (const warning of config.checked.warnings) io.stderr(`Warning: ${warning}\n`);
  return exitCodes.ok;
}

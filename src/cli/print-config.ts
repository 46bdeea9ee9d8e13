import { stringify } from 'yaml';
import type { ComponentType } from '../config/component-type.ts';
import { redact, reveal } from '../config/redact.ts';
import type { CommandIo } from './command-io.ts';
import { exitCodes } from './command-io.ts';
import type { PrintConfigArgs } from './command-line.ts';
import { readConfig } from './read-config.ts';

/** Prints the configuration as the service would see it: merged, expanded, and without its secrets unless asked for. */
export async function runPrintConfig(
  { sources, mode, format }: PrintConfigArgs,
  types: readonly ComponentType[],
  io: CommandIo,
): Promise<number> {
  const config = readConfig(sources, types, io);
  if (config === undefined) return exitCodes.usage;
  for (const warning of config.checked.warnings) io.stderr(`Warning: ${warning}\n`);
  const { effective, notes } = config.document;
  const printed = mode === 'redacted' ? redact(effective, notes.opaquePaths) : reveal(effective);
  io.stdout(format === 'json' ? `${JSON.stringify(printed, undefined, 2)}\n` : stringify(printed));
  return exitCodes.ok;
}

import { stringify } from 'yaml';
import type { FindProblems } from '../config/check-document.ts';
import type { ComponentType } from '../config/component-type.ts';
import { reveal } from '../config/redact.ts';
import type { CommandIo } from './command-io.ts';
import { exitCodes } from './command-io.ts';
import type { PrintConfigArgs } from './command-line.ts';
import { readConfig } from './read-config.ts';

/**
 * Prints the configuration as the service reads it: merged, expanded, with the defaults of all keys, and without its secrets
 * unless asked for.
 */
export async function runPrintConfig<Type extends ComponentType>(
  { sources, mode, format }: PrintConfigArgs,
  types: readonly Type[],
  io: CommandIo,
  findProblems?: FindProblems<Type>,
): Promise<number> {
  const config = readConfig(sources, types, io, findProblems);
  if (config === undefined) return exitCodes.usage;
  for (const warning of config.checked.warnings) io.stderr(`Warning: ${warning}\n`);
  const { document, checked } = config;
  const printed = mode === 'redacted' ? checked.printable : reveal(document.completed());
  io.stdout(format === 'json' ? `${JSON.stringify(printed, undefined, 2)}\n` : stringify(printed));
  return exitCodes.ok;
}

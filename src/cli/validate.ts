import type { FindProblems } from '../config/check-document.ts';
import type { ComponentType } from '../config/component-type.ts';
import type { CommandIo } from './command-io.ts';
import { exitCodes } from './command-io.ts';
import type { ValidateArgs } from './command-line.ts';
import { judgeConfig, readConfig } from './read-config.ts';

/** Checks a configuration as far as possible without starting anything; prints faults and warnings alone, or all as JSON. */
export async function runValidate<Type extends ComponentType>(
  { sources, isJson }: ValidateArgs,
  types: readonly Type[],
  io: CommandIo,
  findProblems?: FindProblems<Type>,
): Promise<number> {
  if (isJson) {
    const { problems, warnings } = judgeConfig(sources, types, io, findProblems);
    const isValid = problems.length === 0;
    io.stdout(`${JSON.stringify({ valid: isValid, problems, warnings }, undefined, 2)}\n`);
    return isValid ? exitCodes.ok : exitCodes.usage;
  }
  const config = readConfig(sources, types, io, findProblems);
  if (config === undefined) return exitCodes.usage;
  for (const warning of config.checked.warnings) io.stderr(`Warning: ${warning}\n`);
  return exitCodes.ok;
}

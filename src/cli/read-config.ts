import type { CheckedConfig, FindProblems } from '../config/check-document.ts';
import { checkDocument } from '../config/check-document.ts';
import type { ComponentType } from '../config/component-type.ts';
import type { ConfigDocument } from '../config/config-document.ts';
import type { ConfigProblem } from '../config/config-error.ts';
import { ConfigError, formatProblem } from '../config/config-error.ts';
import type { ConfigSources } from '../config/config-source.ts';
import type { Surroundings } from '../config/expand.ts';
import { loadConfig } from '../config/load-config.ts';
import type { CommandIo } from './command-io.ts';

export interface ReadConfig<Type extends ComponentType> {
  readonly document: ConfigDocument;
  readonly checked: CheckedConfig<Type>;
}

/** ConfigVerdict is a configuration without faults, or its faults, with the warnings of either. */
export interface ConfigVerdict<Type extends ComponentType> {
  readonly config: ReadConfig<Type> | undefined;
  readonly problems: readonly ConfigProblem[];
  readonly warnings: readonly string[];
}

/** Loads and checks a configuration. Never throws for a faulty one. */
export function judgeConfig<Type extends ComponentType>(
  sources: ConfigSources,
  types: readonly Type[],
  surroundings: Surroundings,
  findProblems?: FindProblems<Type>,
): ConfigVerdict<Type> {
  let document: ConfigDocument | undefined;
  try {
    document = loadConfig(sources, surroundings, types);
    const checked = checkDocument(document, types, findProblems);
    return { config: { document, checked }, problems: [], warnings: checked.warnings };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { config: undefined, problems: error.problems, warnings: document?.warnings ?? [] };
  }
}

/** Loads and checks a configuration; `undefined` after faults, which are all on standard error then. */
export function readConfig<Type extends ComponentType>(
  sources: ConfigSources,
  types: readonly Type[],
  io: CommandIo,
  findProblems?: FindProblems<Type>,
): ReadConfig<Type> | undefined {
  const { config, problems, warnings } = judgeConfig(sources, types, io, findProblems);
  if (config === undefined) {
    // Before the faults: a variable that is not set is often the reason for one.
    for (const warning of warnings) io.stderr(`Warning: ${warning}\n`);
    io.stderr(`Error: invalid configuration\n${problems.map(formatProblem).join('\n')}\n`);
  }
  return config;
}

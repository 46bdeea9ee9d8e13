import type { CheckedConfig, FindProblems } from '../config/check-document.ts';
import { checkDocument } from '../config/check-document.ts';
import type { ComponentType } from '../config/component-type.ts';
import type { ConfigDocument } from '../config/config-document.ts';
import { ConfigError } from '../config/config-error.ts';
import type { ConfigSources } from '../config/config-source.ts';
import { loadConfig } from '../config/load-config.ts';
import type { CommandIo } from './command-io.ts';

export interface ReadConfig<Type extends ComponentType> {
  readonly document: ConfigDocument;
  readonly checked: CheckedConfig<Type>;
}

/** Loads and checks a configuration; `undefined` after faults, which are all on standard error then. */
export function readConfig<Type extends ComponentType>(
  sources: ConfigSources,
  types: readonly Type[],
  io: CommandIo,
  findProblems?: FindProblems,
): ReadConfig<Type> | undefined {
  let document: ConfigDocument | undefined;
  try {
    document = loadConfig(sources, io, types);
    const checked = checkDocument(document, types, findProblems);
    return { document, checked };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    // Before the faults: a variable that is not set is often the reason for one.
    for (const warning of document?.warnings ?? []) io.stderr(`Warning: ${warning}\n`);
    io.stderr(`Error: invalid configuration\n${error.message}\n`);
    return undefined;
  }
}

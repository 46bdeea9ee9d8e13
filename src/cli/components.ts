import { stringify } from 'yaml';
import type { ComponentKind, ComponentType } from '../config/component-type.ts';
import { description, version } from '../support/version.ts';
import type { CommandIo } from './command-io.ts';
import { exitCodes } from './command-io.ts';

/** Prints what can be configured, as YAML in the shape of the Collector's `components` command. */
export async function runComponents(types: readonly ComponentType[], io: CommandIo): Promise<number> {
  io.stdout(
    stringify({
      buildinfo: { command: 'framekeeper', description, version },
      receivers: ofKind(types, 'receiver'),
      processors: ofKind(types, 'processor'),
      exporters: ofKind(types, 'exporter'),
      connectors: [],
      extensions: ofKind(types, 'extension'),
      providers: [{ scheme: 'env' }, { scheme: 'file' }, { scheme: 'yaml' }],
      converters: [],
    }),
  );
  return exitCodes.ok;
}

function ofKind(types: readonly ComponentType[], wanted: ComponentKind): readonly unknown[] {
  return types
    .filter(({ kind }) => kind === wanted)
    .sort((a, b) => (a.type < b.type ? -1 : 1))
    .map(({ type, aliases, stability }) => {
      const level = stability.charAt(0).toUpperCase() + stability.slice(1);
      return {
        name: type,
        ...(aliases.length === 0 ? {} : { aliases: [...aliases] }),
        stability: { [wanted === 'extension' ? 'extension' : 'profiles']: level },
      };
    });
}

import { accessSync, constants, statSync } from 'node:fs';
import type { CheckedConfig } from '../config/check-document.ts';
import type { NeededFile } from '../config/component-type.ts';
import type { ConfigProblem } from '../config/config-error.ts';
import { messageOf } from '../support/error-text.ts';

/** Finds files and folders that parts need to start and that are not there, or cannot be used by this process. */
export function findMissingFiles({
  pipelines,
  exporters,
  extensions,
  serviceExtensions,
}: CheckedConfig): ConfigProblem[] {
  const used = new Set([...pipelines.values()].flatMap((pipeline) => pipeline.exporters));
  const parts = [
    ...serviceExtensions.map((id) => ({ section: `extensions.${id}`, part: extensions.get(id) })),
    ...[...used].map((id) => ({ section: `exporters.${id}`, part: exporters.get(id) })),
  ];
  return parts.flatMap(({ section, part }) => {
    const needed = part?.type.needs?.(part.config) ?? [];
    return needed.flatMap((file) => problemOf(section, file) ?? []);
  });
}

function problemOf(section: string, { path, file, kind }: NeededFile): ConfigProblem | undefined {
  try {
    const isFolder = statSync(file).isDirectory();
    if (isFolder !== (kind === 'writable folder')) {
      const problem = `${file} is a ${isFolder ? 'folder' : 'file'}`;
      return { path: `${section}.${path}`, problem, remedy: `name a ${kind}` };
    }
    accessSync(file, isFolder ? constants.R_OK | constants.W_OK | constants.X_OK : constants.R_OK);
    return undefined;
  } catch (error) {
    const problem = `cannot use ${file} (${messageOf(error)})`;
    return { path: `${section}.${path}`, problem, remedy: `name a ${kind}` };
  }
}

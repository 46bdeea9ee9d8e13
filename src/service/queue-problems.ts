import { isOfType } from '../config/check-document.ts';
import type { ConfigProblem } from '../config/config-error.ts';
import { reportingCycleType } from '../reporter/reporting-cycle-config.ts';
import { fileStorageType } from '../storage/file-storage.ts';
import type { ServiceConfig } from './components.ts';

/**
 * Finds sending queues on disk that a full window would not fit into: its samples would be acknowledged first and dropped after.
 * A queue in memory takes such a report alone.
 */
export function findSmallStorages({ pipelines, processors, exporters, extensions }: ServiceConfig): ConfigProblem[] {
  const problems = new Map<string, ConfigProblem>();
  for (const { processors: names, exporters: targets } of pipelines.values()) {
    const cycle = names.map((id) => processors.get(id)).find((each) => isOfType(each, reportingCycleType));
    if (!isOfType(cycle, reportingCycleType)) continue;
    for (const target of targets) {
      const exporter = exporters.get(target);
      const storage = exporter && extensions.get(exporter.type.queueOf(exporter.config).storage);
      if (!isOfType(storage, fileStorageType) || storage.config.maxBytes >= cycle.config.maxBytes) continue;
      const problem = `is ${storage.config.maxBytes / bytesPerMiB}, but a report of ${cycle.id} may have max_bytes (${cycle.config.maxBytes}), and must fit into the sending queue of ${target}`;
      const remedy = `write ${Math.ceil(cycle.config.maxBytes / bytesPerMiB)} or more, or lower processors.${cycle.id}.max_bytes`;
      problems.set(storage.id, { path: `extensions.${storage.id}.max_size_mib`, problem, remedy });
    }
  }
  return [...problems.values()];
}

const bytesPerMiB = 1024 * 1024;

import type { CheckedConfig, ConfiguredComponent } from '../config/check-document.ts';
import { isOfType } from '../config/check-document.ts';
import type { ConfigProblem } from '../config/config-error.ts';
import { debugExporterType } from '../exporters/debug/debug-exporter.ts';
import { fileExporterType } from '../exporters/file/file-exporter.ts';
import { otlpGrpcExporterType } from '../exporters/otlp-grpc/otlp-grpc-exporter.ts';
import { otlpHttpExporterType } from '../exporters/otlp-http/otlp-http-exporter.ts';
import { reportingCycleType } from '../reporter/reporting-cycle-config.ts';
import { fileStorageType } from '../storage/file-storage.ts';

/**
 * Finds sending queues on disk that a full window would not fit into: its samples would be acknowledged first and dropped after.
 * A queue in memory takes such a report alone.
 */
export function findSmallStorages({ pipelines, processors, exporters, extensions }: CheckedConfig): ConfigProblem[] {
  const problems = new Map<string, ConfigProblem>();
  for (const { processors: names, exporters: targets } of pipelines.values()) {
    const cycle = names.map((id) => processors.get(id)).find((each) => isOfType(each, reportingCycleType));
    if (!isOfType(cycle, reportingCycleType)) continue;
    for (const target of targets) {
      const storage = extensions.get(storageOf(exporters.get(target)));
      if (!isOfType(storage, fileStorageType) || storage.config.maxBytes >= cycle.config.maxBytes) continue;
      const problem = `is ${storage.config.maxBytes / bytesPerMiB}, but a report of ${cycle.id} may have max_bytes (${cycle.config.maxBytes}), and must fit into the sending queue of ${target}`;
      const remedy = `write ${Math.ceil(cycle.config.maxBytes / bytesPerMiB)} or more, or lower processors.${cycle.id}.max_bytes`;
      problems.set(storage.id, { path: `extensions.${storage.id}.max_size_mib`, problem, remedy });
    }
  }
  return [...problems.values()];
}

const bytesPerMiB = 1024 * 1024;

function storageOf(exporter: ConfiguredComponent | undefined): string {
  if (isOfType(exporter, otlpGrpcExporterType)) return exporter.config.queue.storage;
  if (isOfType(exporter, otlpHttpExporterType)) return exporter.config.queue.storage;
  if (isOfType(exporter, fileExporterType)) return exporter.config.queue.storage;
  return isOfType(exporter, debugExporterType) ? exporter.config.queue.storage : '';
}

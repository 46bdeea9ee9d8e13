import type { CheckedConfig, ConfiguredComponent } from './config/check-document.ts';
import type { ConfigProblem } from './config/config-error.ts';
import type { SendingQueueConfig } from './exporters/sending-queue-config.ts';
import { fileStorageType } from './storage/file-storage-config.ts';

/** The identifier of the extension that keeps the sending queue of an exporter; empty when it is kept in memory. */
export function storageOf({ config }: ConfiguredComponent): string {
  return (config as { readonly queue?: SendingQueueConfig }).queue?.storage ?? '';
}

/** Sending queues that name a storage which will not be there. The first words are the Collector's. */
export function findStorageProblems({ exporters, extensions, serviceExtensions }: CheckedConfig): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  for (const exporter of exporters.values()) {
    const storage = storageOf(exporter);
    if (storage === '') continue;
    const path = `exporters.${exporter.id}.sending_queue.storage`;
    const extension = extensions.get(storage);
    if (extension === undefined) {
      const problem = `no storage client extension found: "${storage}" is not configured`;
      problems.push({ path, problem, remedy: 'configure it under extensions and list it in service.extensions' });
    } else if (extension.type.type !== fileStorageType.type) {
      const problem = `requested extension is not a storage extension: "${storage}"`;
      problems.push({ path, problem, remedy: `name one of type ${fileStorageType.type}` });
    } else if (!serviceExtensions.includes(storage)) {
      const problem = `no storage client extension found: "${storage}" is configured but does not start`;
      problems.push({ path, problem, remedy: 'list it in service.extensions' });
    }
  }
  return problems;
}

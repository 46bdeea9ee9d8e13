import type { CheckedConfig, ConfiguredComponent } from '../config/check-document.ts';
import type { ConfigProblem } from '../config/config-error.ts';
import type { SendingQueueConfig } from '../exporters/sending-queue-config.ts';
import type { FileStorage } from '../storage/file-storage.ts';
import { fileStorageType } from '../storage/file-storage-config.ts';
import type { SegmentLog } from '../storage/segment-log.ts';

/** The identifier of the extension that keeps the sending queue of an exporter; empty when it is kept in memory. */
export function storageOf({ config }: ConfiguredComponent): string {
  return (config as { readonly queue?: SendingQueueConfig }).queue?.storage ?? '';
}

/** Where the journal of a pipeline is kept; `undefined` when it has none. */
export function journalLogOf(
  pipelineId: string,
  { pipelines, processors }: CheckedConfig,
  storages: ReadonlyMap<string, FileStorage>,
): SegmentLog | undefined {
  const used = pipelines.get(pipelineId)!.processors.map((id) => journalStorageOf(processors.get(id)!));
  return storages.get(used.find((storage) => storage !== '') ?? '')?.logOf('pipeline', pipelineId);
}

/** The identifier of the extension that keeps the journal of a reporting cycle; empty when there is none. */
function journalStorageOf({ config }: ConfiguredComponent): string {
  return (config as { readonly storage?: string }).storage ?? '';
}

/** Sending queues and journals that name a storage which will not be there. The first words are the Collector's. */
export function findStorageProblems(config: CheckedConfig): ConfigProblem[] {
  const queues = [...config.exporters.values()].map((exporter) => ({
    path: `exporters.${exporter.id}.sending_queue.storage`,
    storage: storageOf(exporter),
  }));
  const journals = [...config.processors.values()].map((processor) => ({
    path: `processors.${processor.id}.storage`,
    storage: journalStorageOf(processor),
  }));
  return [...queues, ...journals].flatMap(({ path, storage }) => {
    const problem = storage === '' ? undefined : findProblem(storage, config);
    return problem === undefined ? [] : [{ path, ...problem }];
  });
}

function findProblem(
  storage: string,
  { extensions, serviceExtensions }: CheckedConfig,
): Pick<ConfigProblem, 'problem' | 'remedy'> | undefined {
  const extension = extensions.get(storage);
  if (extension === undefined) {
    const problem = `no storage client extension found: "${storage}" is not configured`;
    return { problem, remedy: 'configure it under extensions and list it in service.extensions' };
  }
  if (extension.type.type !== fileStorageType.type) {
    const problem = `requested extension is not a storage extension: "${storage}"`;
    return { problem, remedy: `name one of type ${fileStorageType.type}` };
  }
  if (serviceExtensions.includes(storage)) return undefined;
  const problem = `no storage client extension found: "${storage}" is configured but does not start`;
  return { problem, remedy: 'list it in service.extensions' };
}

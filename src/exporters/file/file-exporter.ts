import { open } from 'node:fs/promises';
import type { Component } from '../../support/component.ts';
import type { ProfilesExporter } from '../export-request.ts';
import type { ExporterDependencies } from '../exporter-dependencies.ts';
import { QueuedExporter } from '../queued-exporter.ts';
import type { EncodeProfilesJson } from './file-client.ts';
import { FileClient } from './file-client.ts';
import type { FileConfig } from './file-config.ts';
import { MessageFolder } from './message-folder.ts';
import { StreamFile } from './stream-file.ts';

export interface FileDependencies extends ExporterDependencies {
  readonly encodeProfilesJson: EncodeProfilesJson;
}

/** Writes profiles to disk, in order. */
export function createFileExporter(
  id: string,
  config: FileConfig,
  dependencies: FileDependencies,
): Component & ProfilesExporter {
  const { logger, clock, encodeProfilesJson } = dependencies;
  const sink =
    config.layout === 'stream'
      ? new StreamFile(config, { logger, clock, openFile: open })
      : new MessageFolder(config, logger, clock);
  const client = new FileClient(config, sink, encodeProfilesJson);
  // A write to disk cannot be taken back, so an attempt has no time limit of its own.
  return new QueuedExporter(id, client, { ...config, timeoutMs: 0 }, dependencies);
}

import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Component } from '../../support/lifecycle.ts';
import type { ExporterDependencies, ExporterType } from '../exporter-type.ts';
import type { ProfilesExporter } from '../profiles-exporter.ts';
import { QueuedExporter } from '../queued-exporter.ts';
import { FileClient } from './file-client.ts';
import type { FileConfig } from './file-config.ts';
import { fileTable } from './file-config.ts';
import { MessageFolder } from './message-folder.ts';
import { StreamFile } from './stream-file.ts';

/** Writes profiles to disk, in order. */
export function createFileExporter(
  id: string,
  config: FileConfig,
  dependencies: ExporterDependencies,
): Component & ProfilesExporter {
  const { logger, clock } = dependencies;
  const sink =
    config.layout === 'stream'
      ? new StreamFile(config, { logger, clock, openFile: open })
      : new MessageFolder(config, logger, clock);
  const client = new FileClient(config, sink, clock);
  // A write to disk cannot be taken back, so an attempt has no time limit of its own.
  return new QueuedExporter(id, client, { ...config, timeoutMs: 0 }, dependencies);
}

export const fileExporterType: ExporterType<FileConfig> = {
  kind: 'exporter',
  type: 'file',
  aliases: [],
  stability: 'alpha',
  table: fileTable,
  needs: ({ path, layout, createDirectory }) => {
    const folder = layout === 'stream' ? dirname(path) : path;
    return createDirectory || path === '' ? [] : [{ path: 'path', file: folder, kind: 'writable folder' }];
  },
  queueOf: ({ queue }) => queue,
  refersTo: ({ queue }) => ({ storage: queue.storage, authenticator: '' }),
  create: createFileExporter,
};

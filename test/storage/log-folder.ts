import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { LogFileSystem } from '../../src/storage/log-file-system.ts';
import { systemFileSystem } from '../../src/storage/log-file-system.ts';
import type { LogRecord } from '../../src/storage/segment.ts';
import type { SegmentLogConfig } from '../../src/storage/segment-log.ts';
import { SegmentLog } from '../../src/storage/segment-log.ts';

/** A temporary folder for logs, gone at the end of the test. */
export class LogFolder {
  readonly path: string = mkdtempSync(join(tmpdir(), 'framekeeper-log-'));

  constructor(test: TestContext) {
    test.after(() => rmSync(this.path, { recursive: true, force: true }));
  }

  createLog(config: Partial<SegmentLogConfig> = {}, fs: LogFileSystem = systemFileSystem): SegmentLog {
    const defaults = { directory: this.path, directoryMode: 0o700, maxBytes: 1 << 20, isSynced: false };
    return new SegmentLog({ ...defaults, ...config }, fs);
  }

  /** The segment files, oldest first. */
  files(): string[] {
    const names = readdirSync(this.path).filter((name) => name.endsWith('.segment'));
    return names.sort().map((name) => join(this.path, name));
  }
}

/** The payloads of records as text; `undefined` where they are damaged. */
export function readTexts(log: SegmentLog, records: readonly LogRecord[]): Promise<(string | undefined)[]> {
  return Promise.all(records.map(async (record) => (await log.read(record))?.toString()));
}

/** Appends a text that there must be room for. */
export function appendText(log: SegmentLog, text: string, sampleCount = 1): LogRecord {
  const record = log.append(Buffer.from(text), sampleCount);
  if (record === undefined) throw new Error(`there is no room for ${text}`);
  return record;
}

import type { LogRecord } from '../../storage/segment.ts';
import type { SegmentLog } from '../../storage/segment-log.ts';
import { codeOf, messageOf } from '../../support/error-text.ts';
import type { EventParts } from '../../support/events.ts';
import type { Steps } from '../../support/steps.ts';
import type { ExportRequest } from '../export-request.ts';
import { createEncodedRequest } from '../export-request.ts';
import type { StorageRefusal } from '../profiles-exporter.ts';
import type { RequestStorage, StoredRequest } from '../sending-queue.ts';
import type { StorageEvents } from './storage-events.ts';
import { createStorageEvents } from './storage-events.ts';

/** The requests of one exporter in its log: as protobuf, just as they were encoded for sending. */
export class DurableRequests implements RequestStorage {
  readonly #log: SegmentLog;
  readonly #events: StorageEvents;
  #endObservation: () => void = () => undefined;

  constructor(exporterId: string, log: SegmentLog, parts: EventParts) {
    this.#log = log;
    this.#events = createStorageEvents(exporterId, parts);
  }

  open(): readonly StoredRequest[] {
    const { records, damage } = this.#log.open();
    this.#endObservation = this.#events.observe(this.#log);
    this.#events.opened(records.length, damage);
    return records.map((record) => this.#stored(record));
  }

  prepare(request: ExportRequest): Steps<void> {
    return this.#log.stage(request.encoded());
  }

  add(request: ExportRequest): StoredRequest | StorageRefusal {
    try {
      const bytes = request.encoded();
      const record = this.#log.append(bytes, request.sampleCount);
      if (record === undefined) return bytes.length > this.#log.maxPayloadBytes ? 'storage_too_small' : 'storage_full';
      this.#events.written();
      return this.#stored(record, request.hops);
    } catch (error) {
      if (codeOf(error) === undefined) throw error;
      this.#events.writeFailed(error as NodeJS.ErrnoException);
      return 'storage_error';
    }
  }

  close(): void {
    this.#events.closed(this.#log.recordCount);
    this.#endObservation();
    this.#log.close();
  }

  /** Hops are not on disk: a request of an earlier run begins to count anew. */
  #stored(record: LogRecord, hops = 0): StoredRequest {
    const { sampleCount, payloadBytes } = record.header;
    return {
      sampleCount,
      sizeBytes: payloadBytes,
      read: async () => {
        const bytes = await this.#read(record);
        return bytes && createEncodedRequest(bytes, sampleCount, hops);
      },
      finish: () => this.#finish(record),
    };
  }

  async #read(record: LogRecord): Promise<Uint8Array | undefined> {
    try {
      const bytes = await this.#log.read(record);
      if (bytes === undefined) this.#events.damaged(record, 'its checksum is wrong');
      return bytes;
    } catch (error) {
      this.#events.damaged(record, messageOf(error));
      return undefined;
    }
  }

  #finish(record: LogRecord): void {
    try {
      this.#log.finish(record);
    } catch (error) {
      this.#events.finishFailed(error as Error);
    }
  }
}

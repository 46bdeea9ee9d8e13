import type { ExportRequest, StorageRefusal } from './export-request.ts';

/** Where a sending queue keeps its requests until they are finished, also beyond the end of the process. */
export interface RequestStorage {
  /** What earlier runs have not finished, oldest first. Call first, once. @throws Error that says what to do */
  open(): readonly StoredRequest[];
  /** Keeps a request, or says why not. Kept it is before this returns. */
  add(request: ExportRequest): StoredRequest | StorageRefusal;
  /** Call last, when no request is being read. */
  close(): void;
}

export interface StoredRequest {
  readonly sampleCount: number;
  /** As protobuf. */
  readonly sizeBytes: number;
  /** `undefined` when it cannot be read any more; then it is lost, and counted as that. */
  read(): Promise<ExportRequest | undefined>;
  /** Lets go of it; once. */
  finish(): void;
}

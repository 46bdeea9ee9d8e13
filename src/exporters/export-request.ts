import type { ProfilesData } from '../otlp/profiles-data.ts';
import type { Refusal } from './sending-queue.ts';

/** What one reporting cycle hands to every exporter. Shared between them, so nobody changes it. */
export interface ExportRequest {
  readonly data: ProfilesData;
  /** Number of samples in all profiles: what the Collector calls items. */
  readonly sampleCount: number;
  /** `ExportProfilesServiceRequest` as protobuf; encoded at the first call, the same bytes after. */
  encoded(): Uint8Array;
}

/** A place in a sending queue, with the request kept where the queue is. To be taken or left at once. */
export interface Reservation {
  /** Lets the request be sent. */
  commit(): void;
  /** Lets go of it as if it had never been there. */
  cancel(): void;
}

/** An exporter as the pipeline sees it. */
export interface ProfilesExporter {
  readonly id: string;
  /** Takes the request into the sending queue, or refuses it because the queue is full (counted by the exporter). Never waits. */
  offer(request: ExportRequest): boolean;
  /** Whether an offer would be taken now, as far as that can be told before there is one. */
  readonly room: Room;
  /** The same in two steps, with no refusal counted; where the queue outlives the process. `undefined` where it does not. */
  readonly reserve?: ((request: ExportRequest) => Reservation | Refusal) | undefined;
}

/** `full`: the sending queue is, or its storage is or fails. */
export type Room = 'open' | 'full';

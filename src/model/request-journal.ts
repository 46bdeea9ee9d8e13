import type { AdmissionRefusal } from './admission.ts';

/** Keeps the requests of one receiver on disk until what they brought has been reported. */
export interface RequestJournal {
  /**
   * Keeps a request, given in parts, before anything of it is taken; or says why it cannot, and then it is to be refused.
   * `sampleCount` is how many samples of it are to be taken if nothing comes in between.
   */
  keep(body: readonly Uint8Array[], sampleCount: number): KeptRequest | AdmissionRefusal;
}

export interface KeptRequest {
  /** Corrects how many of its samples were taken. Call before the request is answered. */
  amend(sampleCount: number): void;
}

/** A request that an earlier run had taken. */
export interface RestoredRequest {
  readonly body: Buffer;
  /** Number of samples that were taken: the first ones of the sound samples. */
  readonly acceptedSamples: number;
  /** Numbers of the events that are not reported yet, rising; `undefined`: all of them. */
  readonly events: Uint32Array | undefined;
}

/** Takes a request again, whatever the bounds on what comes anew. @throws when it cannot be read any more */
export type RestoreRequest = (request: RestoredRequest) => void;

/** Gives a receiver its part of a journal, which hands to it at the start what an earlier run had taken. */
export type ConnectJournal = (restore: RestoreRequest) => RequestJournal;

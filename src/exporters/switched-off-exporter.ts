import type { Logger } from 'pino';
import type { Component } from '../support/lifecycle.ts';
import type { Steps } from '../support/steps.ts';
import type { OfferResult, ProfilesExporter, Reservation } from './profiles-exporter.ts';
import { nothingReserved } from './profiles-exporter.ts';

/** Stands for an exporter that the configuration switches off: takes everything, sends and counts nothing. */
export class SwitchedOffExporter implements Component, ProfilesExporter {
  readonly id: string;
  readonly blocksOnOverflow = false;
  readonly #logger: Logger;
  readonly #why: string;

  constructor(id: string, logger: Logger, why: string) {
    this.id = id;
    this.#logger = logger;
    this.#why = why;
  }

  async start(): Promise<void> {
    this.#logger.info({ reason: this.#why }, 'The exporter is switched off and sends nothing.');
  }

  hasRoomFor(): boolean {
    return true;
  }

  *prepare(): Steps<void> {}

  offer(): OfferResult {
    return { kind: 'taken' };
  }

  reserve(): Reservation {
    return nothingReserved;
  }

  async stop(): Promise<void> {}
}

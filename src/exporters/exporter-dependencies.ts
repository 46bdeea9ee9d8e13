import type { Meter } from '@opentelemetry/api';
import type { Logger } from 'pino';
import type { ClientCredentials } from '../model/authentication.ts';
import type { ReportStatus } from '../model/component-status.ts';
import type { Clock, Random } from '../support/clock.ts';
import type { RequestStorage } from './sending-queue.ts';

/** Dependencies of every exporter. The logger is a child that already names the component. */
export interface ExporterDependencies {
  readonly logger: Logger;
  readonly meter: Meter;
  readonly clock: Clock;
  readonly random: Random;
  /** Takes the health of the exporter, for `/status`. Absent: nobody shows it. */
  readonly reportStatus?: ReportStatus;
  /** Headers of an authenticator. */
  readonly credentials?: ClientCredentials | undefined;
  /** Keeps the sending queue, of this exporter alone; without a storage the queue is in memory. */
  readonly storage?: RequestStorage | undefined;
}

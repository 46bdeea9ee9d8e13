import type { Meter } from '@opentelemetry/api';
import type { Logger } from 'pino';
import type { ClientCredentials } from '../model/authentication.ts';
import type { ReportStatus } from '../model/component-status.ts';
import type { Clock, Random } from '../support/clock.ts';
import type { RequestStorage } from './request-storage.ts';

/** What every exporter needs from outside. The logger is a child that already names the component. */
export interface ExporterDependencies {
  readonly logger: Logger;
  readonly meter: Meter;
  readonly clock: Clock;
  readonly random: Random;
  /** Takes the health of the exporter, for `/status`. Absent: nobody shows it. */
  readonly reportStatus?: ReportStatus;
  /** What an authenticator lets it say of itself. */
  readonly credentials?: ClientCredentials | undefined;
  /** Where the sending queue keeps requests; in memory without it. Of this exporter alone. */
  readonly storage?: RequestStorage | undefined;
}

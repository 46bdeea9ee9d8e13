import type { Meter } from '@opentelemetry/api';
import type { Logger } from 'pino';
import type { Admission, AdmissionRefusal } from '../model/admission.ts';
import type { Clock } from '../support/clock.ts';

/** One who may refuse, by the name under which that is counted. */
export interface NamedAdmission {
  /** A word of a closed set, for metrics: `queue_full`, `memory`. */
  readonly name: string;
  readonly ask: Admission;
}

/** What a pipeline answers before anything is decoded. */
export interface PipelineAdmissions {
  readonly frames: Admission;
  readonly otlp: Admission;
}

interface AdmissionParts {
  readonly meter: Meter;
  readonly logger: Logger;
  readonly clock: Clock;
}

// A collector that tries again and again must not fill the log.
const warningIntervalMs = 10_000;

/** Asks one after the other for each receiver type. The first refusal is the answer; it is counted, and logged now and then. */
export function createPipelineAdmissions(
  pipelineId: string,
  admissions: Readonly<Record<keyof PipelineAdmissions, readonly NamedAdmission[]>>,
  { meter, logger, clock }: AdmissionParts,
): PipelineAdmissions {
  const refused = meter.createCounter('framekeeper_admission_refused_calls', {
    description: 'Batches of frames and OTLP requests refused before they were decoded, by reason.',
    unit: '{call}',
  });
  let warnAfterMs = 0;
  const tell = (name: string, { reason, retryDelayMs }: AdmissionRefusal): void => {
    refused.add(1, { pipeline: pipelineId, reason: name });
    const nowMs = clock.nowMs();
    if (nowMs < warnAfterMs) return;
    warnAfterMs = nowMs + warningIntervalMs;
    logger.warn({ pipeline: pipelineId, reason, retry_delay_ms: Math.round(retryDelayMs) }, 'Refusing new data.');
  };
  const firstRefusal =
    (list: readonly NamedAdmission[]): Admission =>
    () => {
      for (const { name, ask } of list) {
        const refusal = ask();
        if (refusal === undefined) continue;
        tell(name, refusal);
        return refusal;
      }
      return undefined;
    };
  return { frames: firstRefusal(admissions.frames), otlp: firstRefusal(admissions.otlp) };
}

import type { Admission, AdmissionRefusal } from '../model/admission.ts';
import type { EventParts } from '../support/events.ts';
import { createEvents, warningIntervalMs } from '../support/events.ts';

/** A reason to refuse new data, by the name under which refusals are counted. */
export interface NamedAdmission {
  /** A word of a closed set, for metrics: `queue_full`, `memory`. */
  readonly name: string;
  readonly ask: Admission;
}

/** Answers of a pipeline before a request is decoded. */
export interface PipelineAdmissions {
  readonly frames: Admission;
  readonly otlp: Admission;
}

/** Asks one after the other for each receiver type. The first refusal is the answer; it is counted, and logged now and then. */
export function createPipelineAdmissions(
  pipelineId: string,
  admissions: Readonly<Record<keyof PipelineAdmissions, readonly NamedAdmission[]>>,
  parts: EventParts,
): PipelineAdmissions {
  const refused = createEvents(parts, { pipeline: pipelineId })({
    counter: {
      name: 'framekeeper_admission_refused_calls',
      description: 'Batches of frames and OTLP requests refused before they were decoded, by reason.',
      unit: '{call}',
      fromZero: [...new Set([...admissions.frames, ...admissions.otlp].map(({ name }) => name))].map((reason) => ({
        reason,
      })),
    },
    line: { level: 'warn', message: 'Refusing new data.', intervalMs: warningIntervalMs },
  });
  const tell = (name: string, { reason, retryDelayMs }: AdmissionRefusal): void => {
    const fields = { pipeline: pipelineId, reason, retry_delay_ms: Math.round(retryDelayMs) };
    refused({ labels: { reason: name }, fields });
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

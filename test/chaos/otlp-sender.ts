import type { ServiceError } from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';
import { encodeProfilesData } from '../../src/otlp/protobuf/encode-profiles-data.ts';
import { readRetryDelayMs } from '../../src/otlp/protobuf/retry-info.ts';
import type { Random } from '../../src/support/clock.ts';
import { exportOverGrpc } from '../support/otlp-sender.ts';
import { pause } from './frames-collector.ts';
import type { Ledger, NumberSource } from './ledger.ts';
import type { NumberedSamples } from './numbered-samples.ts';

export interface OtlpSenderParts {
  readonly port: number;
  readonly samples: NumberedSamples;
  readonly source: NumberSource;
  readonly ledger: Ledger;
  readonly random: Random;
}

const maxRequestSamples = 20;

/** The codes that OTLP lets a client send again (https://opentelemetry.io/docs/specs/otlp/#failures). */
const retryable: ReadonlySet<status> = new Set([
  status.CANCELLED,
  status.DEADLINE_EXCEEDED,
  status.ABORTED,
  status.OUT_OF_RANGE,
  status.UNAVAILABLE,
  status.DATA_LOSS,
]);

/** An exporter of OTLP profiles with a retry, one request after the other. Sent again may mean taken twice: OTLP has no sequence. */
export async function sendOtlp(parts: OtlpSenderParts, giveUp: AbortSignal): Promise<void> {
  const { source, random } = parts;
  while (!giveUp.aborted) {
    const numbers = source.take(1 + Math.floor(random() * maxRequestSamples));
    if (numbers.length > 0) await deliver(parts, numbers, giveUp);
    else if (source.isOver) return;
    await pause(20 + random() * 60);
  }
}

async function deliver(parts: OtlpSenderParts, numbers: readonly number[], giveUp: AbortSignal): Promise<void> {
  const { port, samples, ledger, random } = parts;
  const bytes = encodeProfilesData(samples.profiles(numbers));
  while (!giveUp.aborted) {
    ledger.sending(numbers);
    const error = await exportOverGrpc(port, bytes).then(
      () => undefined,
      (failure: ServiceError) => failure,
    );
    if (error === undefined) return ledger.acknowledge(numbers);
    ledger.otlpUntakenSampleCount += numbers.length;
    const [details] = error.metadata.get('grpc-status-details-bin');
    const delayMs = details === undefined ? undefined : readRetryDelayMs(details as Buffer);
    const isLater = delayMs !== undefined && (error.code === status.RESOURCE_EXHAUSTED || retryable.has(error.code));
    if (isLater) ledger.refusedCount += 1;
    else if (isBroken(error)) ledger.brokenCount += 1;
    else {
      ledger.problems.push(`good OTLP profiles were refused: ${error.message}`);
      return;
    }
    await pause(Math.min(delayMs ?? 0, 1_000) + 20 + random() * 200);
  }
}

/** INTERNAL and UNKNOWN are what grpc-js makes of a stream that a dying process reset. */
function isBroken({ code }: ServiceError): boolean {
  return retryable.has(code) || code === status.INTERNAL || code === status.UNKNOWN;
}

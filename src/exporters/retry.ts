import type { Clock, Random } from '../support/clock.ts';
import type { Permanent, Retryable, Send } from './export-client.ts';
import { interruptedByShutdown } from './export-client.ts';
import type { RetryConfig } from './retry-config.ts';

export interface RetryDependencies {
  readonly clock: Clock;
  readonly random: Random;
  /** Aborts when the exporter begins to stop: no waiting from then on, so each request gets one attempt at most. */
  readonly stopping: AbortSignal;
  /** Refused credentials are retried, with long pauses: they may be rotated while the request waits. */
  readonly retriesAuthFailures: boolean;
  /** Called before each wait. `retryCount` starts at 1. */
  onRetry(failure: Retryable, delayMs: number, retryCount: number): void;
  /** Called when a receiver asks for more time than `maxRetryAfterMs`, before `onRetry`. */
  onExcessiveRetryAfter(askedMs: number): void;
}

/** Longest wait that a receiver can ask for: a wrong number must not hold data back for years. */
const maxRetryAfterMs = 86_400_000;

/** Pause after refused credentials: a person or a rotation has to act, and servers lock out whoever tries often. */
const authIntervalMs = 60_000;

/** Result of refused credentials or rights. */
const authErrorTypes: ReadonlySet<string> = new Set(['Unauthenticated', 'PermissionDenied']);

/**
 * Sends a request again that may be taken later, with the Collector's exponential backoff
 * (https://github.com/open-telemetry/opentelemetry-collector/blob/main/exporter/exporterhelper/internal/retry_sender.go).
 * Ends with `accepted`; with `permanent`, also when no more retries are left; or with `retryable` when shutdown cut the retries short,
 * or, after its wait, when the receiver may have stored some of several resources.
 */
export function withRetry(send: Send, config: RetryConfig, dependencies: RetryDependencies): Send {
  const { clock, random, stopping, retriesAuthFailures, onRetry, onExcessiveRetryAfter } = dependencies;
  return async (request, signal) => {
    const giveUpAtMs = config.maxElapsedTimeMs === 0 ? Infinity : clock.nowMs() + config.maxElapsedTimeMs;
    let intervalMs = config.initialIntervalMs;
    for (let retryCount = 1; ; retryCount++) {
      const result = await send(request, signal);
      const isAuthFailure = retriesAuthFailures && result.kind === 'permanent' && authErrorTypes.has(result.errorType);
      if (result.kind !== 'retryable' && !isAuthFailure) return result;
      const failure: Retryable = { ...result, kind: 'retryable' };
      if (signal.aborted) return interruptedByShutdown(failure.reason);
      if (!config.enabled) return asPermanent(failure, 'retry_on_failure is disabled');
      const askedMs = failure.retryAfterMs ?? 0;
      if (askedMs > maxRetryAfterMs) onExcessiveRetryAfter(askedMs);
      const backoffMs = spread(isAuthFailure ? authIntervalMs : intervalMs, config.randomizationFactor, random);
      const delayMs = Math.max(backoffMs, Math.min(askedMs, maxRetryAfterMs));
      if (!isAuthFailure) intervalMs = Math.min(intervalMs * config.multiplier, config.maxIntervalMs);
      if (clock.nowMs() + delayMs > giveUpAtMs) return asPermanent(failure, 'no more retries left');
      if (stopping.aborted) return interruptedByShutdown(failure.reason);
      onRetry(failure, delayMs, retryCount);
      await clock.sleep(Math.min(delayMs, maxDelayMs), stopping).catch(() => undefined);
      if (stopping.aborted) return interruptedByShutdown(failure.reason);
      if (failure.isPartial && request.data.resourceProfiles.length > 1) return failure;
    }
  };
}

function spread(intervalMs: number, factor: number, random: Random): number {
  return intervalMs * (1 - factor + 2 * factor * random());
}

function asPermanent({ errorType, reason }: Retryable, why: string): Permanent {
  return { kind: 'permanent', errorType, reason: `${why}: ${reason}`, isGivenUp: true };
}

/** The longest delay that a timer can hold: 2^31 - 1 ms. A longer one would fire at once. */
const maxDelayMs = 2_147_483_647;

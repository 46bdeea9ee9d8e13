import type { Clock, Random } from '../support/clock.ts';
import type { Permanent, Retryable, Send } from './export-client.ts';
import { interruptedByShutdown } from './export-client.ts';
import type { RetryConfig } from './retry-config.ts';

export interface RetryDependencies {
  readonly clock: Clock;
  readonly random: Random;
  /** Aborts when the exporter begins to stop: no waiting from then on, so each request gets one attempt at most. */
  readonly stopping: AbortSignal;
  /** Called before each wait. `retryCount` starts at 1. */
  onRetry(failure: Retryable, delayMs: number, retryCount: number): void;
}

/** The longest delay that a timer can hold: 2^31 - 1 ms. A longer one would fire at once. */
const maxDelayMs = 2_147_483_647;

/**
 * Sends again what may be taken later, with the Collector's exponential backoff
 * (https://github.com/open-telemetry/opentelemetry-collector/blob/main/exporter/exporterhelper/internal/retry_sender.go).
 * Ends with `accepted`, with `permanent` (also when no more retries are left), or with `retryable` when shutdown cut it short.
 */
export function withRetry(send: Send, config: RetryConfig, dependencies: RetryDependencies): Send {
  const { clock, random, stopping, onRetry } = dependencies;
  return async (request, signal) => {
    const giveUpAtMs = config.maxElapsedTimeMs === 0 ? Infinity : clock.nowMs() + config.maxElapsedTimeMs;
    let intervalMs = config.initialIntervalMs;
    for (let retryCount = 1; ; retryCount++) {
      const result = await send(request, signal);
      if (result.kind !== 'retryable') return result;
      if (signal.aborted) return interruptedByShutdown(result.reason);
      if (!config.enabled) return asPermanent(result, 'retry_on_failure is disabled');
      const delayMs = Math.max(spread(intervalMs, config.randomizationFactor, random), result.retryAfterMs ?? 0);
      intervalMs = Math.min(intervalMs * config.multiplier, config.maxIntervalMs);
      if (clock.nowMs() + delayMs > giveUpAtMs) return asPermanent(result, 'no more retries left');
      if (stopping.aborted) return interruptedByShutdown(result.reason);
      onRetry(result, delayMs, retryCount);
      await clock.sleep(Math.min(delayMs, maxDelayMs), stopping).catch(() => undefined);
      if (stopping.aborted) return interruptedByShutdown(result.reason);
    }
  };
}

function spread(intervalMs: number, factor: number, random: Random): number {
  return intervalMs * (1 - factor + 2 * factor * random());
}

function asPermanent({ errorType, reason }: Retryable, why: string): Permanent {
  return { kind: 'permanent', errorType, reason: `${why}: ${reason}`, isGivenUp: true };
}

import type { ExportRequest } from '../exporters/export-request.ts';
import type { OfferResult, ProfilesExporter } from '../exporters/profiles-exporter.ts';
import type { Admission } from '../model/admission.ts';
import type { SinkAnswer } from '../receivers/otlp/profiles-sink.ts';
import type { Random } from '../support/clock.ts';

/** The side of an exporter that says whether its queue has room. */
type QueueOwner = Pick<ProfilesExporter, 'id' | 'blocksOnOverflow' | 'hasRoomFor'>;

/** A queue has room again as soon as one request has left it. */
const retryAfterMs = 1_000;

/** A queue is full while its destination is down or slow, and is then tried again every 5 s and more seldom. */
const retryDelayMs = 5_000;

/**
 * Offers a request to every exporter at once. It is accepted as soon as one takes it; the others have counted it as lost. Exporters
 * that are set to wait have the last word, though: all of them must have taken or sent it.
 */
export function offerToAll(
  exporters: readonly ProfilesExporter[],
  request: ExportRequest,
  signal: AbortSignal | undefined,
): SinkAnswer | Promise<SinkAnswer> {
  const results = exporters.map((exporter) => exporter.offer(request, signal));
  return results.every(isThere) ? answerOf(results) : Promise.all(results).then(answerOf);
}

function isThere(result: OfferResult | Promise<OfferResult>): result is OfferResult {
  return !(result instanceof Promise);
}

function answerOf(results: readonly OfferResult[]): SinkAnswer {
  const failures = results.filter((result) => result.kind === 'failed');
  // "Busy" goes before "failed": when the request comes again, one more exporter gets it, if others twice.
  const failure = failures.find(({ isRetryable }) => isRetryable) ?? failures[0];
  if (failure !== undefined) return { kind: failure.isRetryable ? 'busy' : 'failed', reason: failure.reason };
  if (results.some(({ kind }) => kind === 'taken')) return { kind: 'accepted' };
  const isFinal = results.every((result) => result.kind === 'refused' && result.isFinal);
  if (isFinal)
    return { kind: 'failed', reason: 'the request is larger than the whole sending queue of every exporter' };
  return { kind: 'busy', reason: 'the sending queue of every exporter is full', retryAfterMs };
}

/** Refuses data for the window, whose report nobody waits for: it had better stay where it is. */
export function refuseForReport(exporters: readonly QueueOwner[], random: Random): Admission {
  return refuseWithoutRoom('report', exporters, random);
}

/** Refuses OTLP requests that would be passed on; where an exporter lets callers wait for room, only once no more may wait. */
export function refuseForPassThrough(exporters: readonly QueueOwner[], random: Random): Admission {
  return refuseWithoutRoom('request', exporters, random);
}

/**
 * True when a report would be lost or would have to wait: no exporter has room, or one with `block_on_overflow` has none. Another
 * exporter without room beside others with room is no reason: the loss is its own, and it counts that.
 */
export function hasNoRoomForReport(exporters: readonly QueueOwner[]): boolean {
  return hasNoRoom('report', exporters);
}

function hasNoRoom(what: 'report' | 'request', exporters: readonly QueueOwner[]): boolean {
  const full = exporters.filter((exporter) => !exporter.hasRoomFor(what));
  return full.length === exporters.length || full.some(({ blocksOnOverflow }) => blocksOnOverflow);
}

function refuseWithoutRoom(what: 'report' | 'request', exporters: readonly QueueOwner[], random: Random): Admission {
  return () => {
    if (!hasNoRoom(what, exporters)) return undefined;
    const ids = exporters.filter((exporter) => !exporter.hasRoomFor(what)).map(({ id }) => id);
    const reason = `the sending queue of ${ids.join(', ')} is full; send it again later`;
    // Not all senders are told to come back at the same time.
    return { reason, retryDelayMs: Math.round(retryDelayMs * (0.5 + random())) };
  };
}

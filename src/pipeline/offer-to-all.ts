import type { ExportRequest, OfferOutcome, ProfilesExporter } from '../exporters/export-request.ts';
import type { SinkAnswer } from '../receivers/otlp/profiles-sink.ts';

/** A queue has room again as soon as one request has left it. */
const retryAfterMs = 1_000;

const accepted: SinkAnswer = { kind: 'accepted' };
const busy: SinkAnswer = { kind: 'busy', reason: 'the sending queue of every exporter is full', retryAfterMs };
const stillBusy: SinkAnswer = { kind: 'busy', reason: 'the sending queue had no room in time', retryAfterMs };

/**
 * Offers a request to every exporter at once. It is taken as soon as one takes it; those that do not have counted it as lost.
 * Exporters that are set to wait have the last word, though: all of them must have taken or sent it.
 */
export function offerToAll(
  exporters: readonly ProfilesExporter[],
  request: ExportRequest,
  signal: AbortSignal | undefined,
): SinkAnswer | Promise<SinkAnswer> {
  const answers = exporters.map((exporter) => exporter.offer(request, signal));
  const late = answers.filter((answer) => answer instanceof Promise);
  if (late.length > 0) return Promise.all(late).then(answerOf);
  return answers.includes(true) ? accepted : busy;
}

/** What may come again is said before what must not: then one more exporter gets it, if others twice. */
function answerOf(outcomes: readonly OfferOutcome[]): SinkAnswer {
  if (outcomes.some(({ kind }) => kind === 'refused')) return stillBusy;
  const failures = outcomes.filter((outcome) => outcome.kind === 'failed');
  const [failure = undefined] = [...failures].sort((a, b) => Number(b.isRetryable) - Number(a.isRetryable));
  if (failure === undefined) return accepted;
  return { kind: failure.isRetryable ? 'busy' : 'failed', reason: failure.reason };
}

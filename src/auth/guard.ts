import type { AuthenticationRefusal, RequestGuard } from '../model/authentication.ts';
import type { AuthenticatorDependencies, Verdict, Verifier } from './authenticator.ts';

// Somebody who tries must not fill the log.
const warningIntervalMs = 10_000;
const busyRetryAfterMs = 1_000;

const messages: Record<Exclude<Verdict, 'ok'>, string> = {
  missing: 'the request has no credential',
  malformed: 'the credential of the request has another form than is asked for',
  mismatch: 'the credential of the request is not valid',
  busy: 'too many unknown credentials came at once; send the request again later',
};

/** Lets in what a verifier knows; counts and logs the rest, without anything that was sent. */
export function createGuard(id: string, verifier: Verifier, dependencies: AuthenticatorDependencies): RequestGuard {
  const { clock, meter, logger } = dependencies;
  const refused = meter.createCounter('framekeeper_auth_refused_requests', {
    description: 'Requests refused because of their credential, by reason.',
    unit: '{request}',
  });
  for (const reason of Object.keys(messages)) refused.add(0, { authenticator: id, reason });
  let warnAfterMs = 0;
  const judge = (verdict: Verdict): AuthenticationRefusal | undefined => {
    if (verdict === 'ok') return undefined;
    refused.add(1, { authenticator: id, reason: verdict });
    const nowMs = clock.nowMs();
    if (nowMs >= warnAfterMs) {
      warnAfterMs = nowMs + warningIntervalMs;
      logger.warn({ reason: messages[verdict] }, 'Refused a request because of its credential.');
    }
    const message = messages[verdict];
    return verdict === 'busy' ? { message, retryAfterMs: busyRetryAfterMs } : { message };
  };
  return {
    challenge: verifier.challenge,
    check: (header) => {
      const verdict = verifier.verify(header);
      return typeof verdict === 'string' ? judge(verdict) : verdict.then(judge);
    },
  };
}

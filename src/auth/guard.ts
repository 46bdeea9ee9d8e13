import type { AuthenticationRefusal, RequestGuard } from '../model/authentication.ts';
import { createEvents, warningIntervalMs } from '../support/events.ts';
import type { AuthenticatorDependencies, Verdict, Verifier } from './authenticator.ts';

const busyRetryAfterMs = 1_000;

const messages: Record<Exclude<Verdict, 'ok'>, string> = {
  missing: 'the request has no credential',
  malformed: 'the credential of the request has another form than is asked for',
  mismatch: 'the credential of the request is not valid',
  busy: 'too many unknown credentials came at once; send the request again later',
};

/** Lets in what a verifier knows; counts and logs the rest, without anything that was sent. */
export function createGuard(id: string, verifier: Verifier, dependencies: AuthenticatorDependencies): RequestGuard {
  const refused = createEvents(dependencies, { authenticator: id })({
    counter: {
      name: 'framekeeper_auth_refused_requests',
      description: 'Requests refused because of their credential, by reason.',
      unit: '{request}',
      fromZero: Object.keys(messages).map((reason) => ({ reason })),
    },
    // Somebody who tries must not fill the log.
    line: {
      level: 'warn',
      message: 'Refused a request because of its credential.',
      intervalMs: warningIntervalMs,
    },
  });
  const judge = (verdict: Verdict): AuthenticationRefusal | undefined => {
    if (verdict === 'ok') return undefined;
    refused({ labels: { reason: verdict }, fields: { reason: messages[verdict] } });
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

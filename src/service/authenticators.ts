import { createAuthenticator } from '../auth/auth-extensions.ts';
import type { Authenticator, AuthenticatorDependencies } from '../auth/authenticator.ts';
import { createGuard } from '../auth/guard.ts';
import type { CheckedConfig } from '../config/check-document.ts';
import type { ClientCredentials, RequestGuard } from '../model/authentication.ts';
import { componentLogger } from '../support/logger.ts';

/** The authenticators that start, for those who name them. */
export interface Authenticators {
  readonly members: readonly Authenticator[];
  /** For a listener; `undefined` when it names none. */
  readonly guardOf: (authenticator: string) => RequestGuard | undefined;
  /** For an exporter; `undefined` when it names none. */
  readonly credentialsOf: (authenticator: string) => ClientCredentials | undefined;
}

export function createAuthenticators(
  { extensions, serviceExtensions }: CheckedConfig,
  { logger, ...parts }: AuthenticatorDependencies,
): Authenticators {
  const guards = new Map<string, RequestGuard>();
  const members = serviceExtensions.flatMap((id) => {
    const own = { ...parts, logger: componentLogger(logger, 'extension', id) };
    const authenticator = createAuthenticator(extensions.get(id)!, own);
    if (authenticator?.verifier !== undefined) guards.set(id, createGuard(id, authenticator.verifier, own));
    return authenticator ?? [];
  });
  return {
    members,
    guardOf: (authenticator) => guards.get(authenticator),
    credentialsOf: (authenticator) => members.find(({ id }) => id === authenticator)?.credentials,
  };
}

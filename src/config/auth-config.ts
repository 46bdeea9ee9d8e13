import type { ConfigSection } from './config-section.ts';

/** The extension that `auth: {authenticator: …}` names; empty without one. */
export function readAuthenticatorId(section: ConfigSection): string {
  const auth = section.optionalSection('auth');
  if (auth === undefined) return '';
  const id = auth.requiredString('authenticator', 'the identifier of an extension, such as bearertokenauth');
  auth.end();
  return id.trim();
}

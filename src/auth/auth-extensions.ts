import type { ConfiguredComponent } from '../config/check-document.ts';
import type { ComponentType } from '../config/component-type.ts';
import type { Authenticator, AuthenticatorDependencies } from './authenticator.ts';
import { BasicAuthClient } from './basic-auth-client.ts';
import type { BasicAuthConfig } from './basic-auth-config.ts';
import { readBasicAuthConfig } from './basic-auth-config.ts';
import { BasicAuthServer } from './basic-auth-server.ts';
import { BearerTokenAuth } from './bearer-token-auth.ts';
import type { BearerTokenConfig } from './bearer-token-config.ts';
import { readBearerTokenConfig } from './bearer-token-config.ts';

export const bearerTokenAuthType: ComponentType<BearerTokenConfig> = {
  kind: 'extension',
  type: 'bearertokenauth',
  aliases: [],
  stability: 'alpha',
  read: readBearerTokenConfig,
};

export const basicAuthType: ComponentType<BasicAuthConfig> = {
  kind: 'extension',
  type: 'basicauth',
  aliases: [],
  stability: 'alpha',
  read: readBasicAuthConfig,
};

/** For which sides an extension knows credentials; none for one that is no authenticator. */
export function authSidesOf({ type, config }: ConfiguredComponent): readonly ('server' | 'client')[] {
  if (type.type === bearerTokenAuthType.type) return ['server', 'client'];
  return type.type === basicAuthType.type ? [(config as BasicAuthConfig).side] : [];
}

/** `undefined` for an extension that is no authenticator. */
export function createAuthenticator(
  { id, type, config }: ConfiguredComponent,
  dependencies: AuthenticatorDependencies,
): Authenticator | undefined {
  if (type.type === bearerTokenAuthType.type) return new BearerTokenAuth(id, config as BearerTokenConfig, dependencies);
  if (type.type !== basicAuthType.type) return undefined;
  const basic = config as BasicAuthConfig;
  return basic.side === 'server'
    ? new BasicAuthServer(id, basic, dependencies)
    : new BasicAuthClient(id, basic, dependencies);
}

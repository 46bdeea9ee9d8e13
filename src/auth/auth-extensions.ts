import type { ComponentType, NeededFile } from '../config/component-type.ts';
import type { ConfiguredFile } from '../support/watched-files.ts';
import type { Authenticator, AuthenticatorDependencies } from './authenticator.ts';
import { BasicAuthClient } from './basic-auth-client.ts';
import type { BasicAuthConfig } from './basic-auth-config.ts';
import { basicAuthTable } from './basic-auth-config.ts';
import { BasicAuthServer } from './basic-auth-server.ts';
import { BearerTokenAuth } from './bearer-token-auth.ts';
import type { BearerTokenConfig } from './bearer-token-config.ts';
import { bearerTokenTable } from './bearer-token-config.ts';

/** AuthenticatorType describes a type of extension that knows credentials. */
interface AuthenticatorType<Config> extends ComponentType<Config> {
  readonly kind: 'extension';
  create(
    id: string,
    config: Config,
    dependencies: AuthenticatorDependencies,
  ): { readonly authenticator: Authenticator };
}

export const bearerTokenAuthType: AuthenticatorType<BearerTokenConfig> = {
  kind: 'extension',
  type: 'bearertokenauth',
  aliases: [],
  stability: 'alpha',
  table: bearerTokenTable,
  provides: () => ['server authenticator', 'client authenticator'],
  needs: ({ file }) => neededFiles(file),
  create: (id, config, dependencies) => ({ authenticator: new BearerTokenAuth(id, config, dependencies) }),
};

export const basicAuthType: AuthenticatorType<BasicAuthConfig> = {
  kind: 'extension',
  type: 'basicauth',
  aliases: [],
  stability: 'alpha',
  table: basicAuthTable,
  provides: ({ side }) => [`${side} authenticator`],
  needs: (config) =>
    config.side === 'server' ? neededFiles(config.file) : neededFiles(config.usernameFile, config.passwordFile),
  create: (id, config, dependencies) => ({
    authenticator:
      config.side === 'server'
        ? new BasicAuthServer(id, config, dependencies)
        : new BasicAuthClient(id, config, dependencies),
  }),
};

function neededFiles(...files: readonly (ConfiguredFile | undefined)[]): NeededFile[] {
  return files.flatMap((file) =>
    file === undefined ? [] : [{ path: file.key, file: file.path, kind: 'readable file' }],
  );
}

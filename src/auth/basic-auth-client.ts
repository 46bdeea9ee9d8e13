import type { Authenticator, AuthenticatorDependencies } from './authenticator.ts';
import type { BasicAuthConfig } from './basic-auth-config.ts';
import { CredentialFiles } from './credential-files.ts';

/** Sends one user name and password. */
export class BasicAuthClient implements Authenticator {
  readonly id: string;
  readonly #files: CredentialFiles<string>;
  #value = '';

  constructor(
    id: string,
    { username, password, usernameFile, passwordFile }: Extract<BasicAuthConfig, { side: 'client' }>,
    dependencies: AuthenticatorDependencies,
  ) {
    this.id = id;
    const parse = (texts: readonly string[]): string => {
      const left = texts.map((text) => text.trim());
      const user = usernameFile === undefined ? username : left.shift()!;
      if (user === '' || user.includes(':')) {
        const problem = `${usernameFile?.path} is empty or has a ":"`;
        throw new Error(`client_auth.username_file: ${problem}; write a name without it.`);
      }
      const secret = passwordFile === undefined ? password.reveal() : left.shift()!;
      return `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}`;
    };
    const onChange = (value: string): void => {
      this.#value = value;
    };
    const files = [usernameFile, passwordFile].filter((file) => file !== undefined);
    this.#files = new CredentialFiles(id, files, { parse, onChange }, dependencies);
  }

  readonly credentials = (): readonly (readonly [string, string])[] => [['authorization', this.#value]];

  async start(): Promise<void> {
    this.#value = await this.#files.start();
  }

  async stop(): Promise<void> {
    this.#files.stop();
  }
}

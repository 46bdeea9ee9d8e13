import { createHash, timingSafeEqual } from 'node:crypto';
import type { HeaderReader } from '../model/authentication.ts';
import { messageOf } from '../support/error-text.ts';
import type { Authenticator, AuthenticatorDependencies, Verdict, Verifier } from './authenticator.ts';
import type { BasicAuthConfig } from './basic-auth-config.ts';
import type { CompareHash } from './bcrypt-checks.ts';
import { BcryptChecks } from './bcrypt-checks.ts';
import { CredentialFiles } from './credential-files.ts';
import type { PasswordRule } from './htpasswd.ts';
import { parseHtpasswd } from './htpasswd.ts';
import { digestOf } from './same-text.ts';

type Rules = ReadonlyMap<string, PasswordRule>;

/** Takes the users and passwords of a htpasswd file. */
export class BasicAuthServer implements Authenticator {
  readonly id: string;
  readonly verifier: Verifier = {
    challenge: 'Basic realm="framekeeper", charset="UTF-8"',
    verify: (header) => this.#verify(header),
  };
  readonly #files: CredentialFiles<Rules>;
  readonly #bcrypt: BcryptChecks;
  #rules: Rules = new Map();
  /** Checked for users that there are not, so that the time of an answer does not tell which there are. */
  #decoy: PasswordRule = { kind: 'plain', digest: digestOf('') };

  constructor(
    id: string,
    { file, inline }: Extract<BasicAuthConfig, { side: 'server' }>,
    dependencies: AuthenticatorDependencies,
    compareHash?: CompareHash,
  ) {
    this.id = id;
    this.#bcrypt = new BcryptChecks(dependencies.clock, compareHash);
    const parse = ([text = '']: readonly string[]): Rules =>
      new Map([...parseFile(text, file?.path ?? ''), ...parseHtpasswd(inline.reveal())]);
    const onChange = (rules: Rules): void => this.#take(rules);
    this.#files = new CredentialFiles(id, file === undefined ? [] : [file], { parse, onChange }, dependencies);
  }

  async start(): Promise<void> {
    this.#take(await this.#files.start());
  }

  async stop(): Promise<void> {
    this.#files.stop();
  }

  #take(rules: Rules): void {
    this.#rules = rules;
    this.#decoy = [...rules.values()].find(({ kind }) => kind === 'bcrypt') ?? this.#decoy;
  }

  async #verify(header: HeaderReader): Promise<Verdict> {
    const value = header('authorization')?.trim();
    if (value === undefined || value === '') return 'missing';
    const encoded = /^basic +([A-Za-z0-9+/]+=*)$/i.exec(value)?.[1];
    const decoded = encoded === undefined ? '' : Buffer.from(encoded, 'base64').toString('utf8');
    const colon = decoded.indexOf(':');
    if (colon < 0) return 'malformed';
    const rule = this.#rules.get(decoded.slice(0, colon));
    const isSame = await this.#isSame(decoded.slice(colon + 1), rule ?? this.#decoy);
    if (isSame === undefined) return 'busy';
    return isSame && rule !== undefined ? 'ok' : 'mismatch';
  }

  async #isSame(password: string, rule: PasswordRule): Promise<boolean | undefined> {
    switch (rule.kind) {
      case 'plain':
        return timingSafeEqual(digestOf(password), rule.digest);
      case 'sha1':
        return timingSafeEqual(createHash('sha1').update(password).update(rule.salt).digest(), rule.digest);
      case 'bcrypt':
        return this.#bcrypt.check(password, rule.hash);
    }
  }
}

function parseFile(text: string, path: string): Rules {
  try {
    return parseHtpasswd(text);
  } catch (error) {
    const remedy = 'write user:password lines as the tool htpasswd -B does';
    throw new Error(`htpasswd.file: ${path}: ${messageOf(error)}; ${remedy}.`);
  }
}

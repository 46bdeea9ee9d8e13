import type { HeaderReader } from '../model/authentication.ts';
import type { Authenticator, AuthenticatorDependencies, Verdict, Verifier } from './authenticator.ts';
import type { BearerTokenConfig } from './bearer-token-config.ts';
import { isToken } from './bearer-token-config.ts';
import { CredentialFiles } from './credential-files.ts';
import { digestOf, isAmong } from './same-text.ts';

/** A client sends the first token; a listener takes any of them. */
export class BearerTokenAuth implements Authenticator {
  readonly id: string;
  readonly verifier: Verifier;
  readonly #config: BearerTokenConfig;
  readonly #files: CredentialFiles<readonly string[]>;
  #first = '';
  #digests: readonly Buffer[] = [];

  constructor(id: string, config: BearerTokenConfig, dependencies: AuthenticatorDependencies) {
    this.id = id;
    this.#config = config;
    this.verifier = {
      challenge: `${config.scheme || 'Bearer'} realm="framekeeper"`,
      verify: (header) => this.#verify(header),
    };
    const { file, tokens } = config;
    const parse = ([text]: readonly string[]): readonly string[] =>
      text === undefined ? tokens.map((token) => token.reveal()) : readTokens(text, file!.path);
    const onChange = (all: readonly string[]): void => this.#take(all);
    this.#files = new CredentialFiles(id, file === undefined ? [] : [file], { parse, onChange }, dependencies);
  }

  readonly credentials = (): readonly (readonly [string, string])[] => {
    const { header, scheme } = this.#config;
    return [[header, scheme === '' ? this.#first : `${scheme} ${this.#first}`]];
  };

  async start(): Promise<void> {
    this.#take(await this.#files.start());
  }

  async stop(): Promise<void> {
    this.#files.stop();
  }

  #take(tokens: readonly string[]): void {
    this.#first = tokens[0]!;
    this.#digests = tokens.map(digestOf);
  }

  #verify(header: HeaderReader): Verdict {
    const value = header(this.#config.header)?.trim();
    if (value === undefined || value === '') return 'missing';
    const token = withoutScheme(value, this.#config.scheme);
    if (token === undefined) return 'malformed';
    return isAmong(digestOf(token), this.#digests) ? 'ok' : 'mismatch';
  }
}

/** Schemes know no case (https://www.rfc-editor.org/rfc/rfc9110#section-11.1). */
function withoutScheme(value: string, scheme: string): string | undefined {
  if (scheme === '') return value;
  const isIts = value.slice(0, scheme.length + 1).toLowerCase() === `${scheme.toLowerCase()} `;
  return isIts ? value.slice(scheme.length + 1).trimStart() : undefined;
}

/** The Collector takes an empty line for a token, so that an empty one is let in; here empty lines are none. */
function readTokens(text: string, path: string): readonly string[] {
  const lines = text.split('\n').map((line) => line.trim());
  const faulty = lines.findIndex((line) => line !== '' && !isToken(line));
  if (faulty >= 0) {
    const problem = `line ${faulty + 1} of ${path} has other than printable ASCII characters`;
    throw new Error(`filename: ${problem}; write a token a line.`);
  }
  const tokens = lines.filter((line) => line !== '');
  if (tokens.length === 0) throw new Error(`filename: ${path} has no token; write a token a line.`);
  return tokens;
}

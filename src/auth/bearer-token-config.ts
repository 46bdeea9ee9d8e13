import { converted, secret, secretList, text } from '../config/config-keys.ts';
import type { ConfigSection } from '../config/config-section.ts';
import type { ConfigOf } from '../config/config-table.ts';
import { configTable } from '../config/config-table.ts';
import type { Secret } from '../support/secret.ts';
import type { ConfiguredFile } from '../support/watched-files.ts';

/** Extension `bearertokenauth`, with the Collector's keys. */
export const bearerTokenTable = configTable(
  {
    about: 'Bearer tokens: listeners take requests that carry one of them, exporters send the first.',
    source:
      'https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/extension/bearertokenauthextension',
    keys: {
      /** In lower case. */
      header: converted(text('header', { fallback: 'Authorization' }, 'Header that carries the token.'), takeHeader),
      /** Empty = the token stands alone. */
      scheme: converted(text('scheme', { fallback: 'Bearer' }, 'Word before the token; empty for none.'), takeScheme),
      token: secret('token', 'The token. One of `token`, `tokens` and `filename` is required.'),
      tokens: secretList('tokens', 'Several tokens, instead of `token`.'),
      filename: text(
        'filename',
        { fallback: '' },
        'File with a token a line, instead of `token` and `tokens`; read again when it changes.',
      ),
    },
  },
  ({ header, scheme, token, tokens: list, filename }, section) => {
    const tokens = token.reveal() === '' ? list : [token];
    checkSources({ token, list, filename }, section);
    const faulty = tokens.findIndex((each) => !isToken(each.reveal()));
    if (faulty >= 0) {
      const key = list.length > 0 ? `tokens[${faulty}]` : 'token';
      section.addProblem(key, 'is empty or has other than printable ASCII characters', 'write the token alone');
    }
    /** Instead of `tokens`. */
    const file: ConfiguredFile | undefined = filename === '' ? undefined : { key: 'filename', path: filename };
    return { header, scheme, tokens: filename === '' ? tokens : [], file };
  },
);

export type BearerTokenConfig = ConfigOf<typeof bearerTokenTable>;

interface TokenSources {
  readonly token: Secret;
  readonly list: readonly Secret[];
  readonly filename: string;
}

function checkSources({ token, list, filename }: TokenSources, section: ConfigSection): void {
  const hasToken = token.reveal() !== '';
  if (hasToken && list.length > 0) {
    section.addProblem('tokens', 'either tokens or token should be specified, not both', 'remove one of them');
  }
  const hasTokens = hasToken || list.length > 0;
  if (filename !== '' && hasTokens) {
    section.addWarning('filename', 'a filename is specified; configured tokens are ignored');
  }
  if (filename === '' && !hasTokens) {
    section.addProblem('token', 'no bearer token provided', 'write token, tokens or filename');
  }
}

/** Tells a text that can stand in a header. */
export function isToken(text: string): boolean {
  return /^[!-~](?:[ -~]*[!-~])?$/.test(text);
}

function takeHeader(written: string, section: ConfigSection): string {
  const header = written.toLowerCase();
  const isUsable = /^[0-9a-z_.-]+$/.test(header) && !header.endsWith('-bin') && !header.startsWith('grpc-');
  if (isUsable) return header;
  section.addProblem('header', 'cannot be the name of a header', 'use letters, digits, "_", "-" and "."');
  return 'authorization';
}

function takeScheme(scheme: string, section: ConfigSection): string {
  if (/^[!-~]*$/.test(scheme)) return scheme;
  section.addProblem('scheme', 'is not one word', 'write a word such as "Bearer"');
  return 'Bearer';
}

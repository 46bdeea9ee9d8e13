import type { ConfigSection } from '../config/config-section.ts';
import type { NamedFile } from '../support/named-file.ts';
import type { Secret } from '../support/secret.ts';

/** Extension `bearertokenauth`, with the Collector's keys. */
export interface BearerTokenConfig {
  /** In lower case. */
  readonly header: string;
  /** Stands before the token; empty = nothing does. */
  readonly scheme: string;
  /** Unused with a file. */
  readonly tokens: readonly Secret[];
  /** A token a line, instead of `tokens`. */
  readonly file: NamedFile | undefined;
}

/**
 * Reads a `bearertokenauth`
 * (https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/extension/bearertokenauthextension).
 */
export function readBearerTokenConfig(section: ConfigSection): BearerTokenConfig {
  const token = section.opaque('token');
  const list = section.opaqueList('tokens');
  const filename = section.string('filename', '');
  const tokens = token.reveal() === '' ? list : [token];
  const config: BearerTokenConfig = {
    header: readHeader(section),
    scheme: readScheme(section),
    tokens: filename === '' ? tokens : [],
    file: filename === '' ? undefined : { key: 'filename', path: filename },
  };
  section.end();
  if (token.reveal() !== '' && list.length > 0) {
    section.addProblem('tokens', 'either tokens or token should be specified, not both', 'remove one of them');
  }
  if (filename !== '' && tokens.length > 0) {
    section.addWarning('filename', 'a filename is specified; configured tokens are ignored');
  }
  if (filename === '' && tokens.length === 0) {
    section.addProblem('token', 'no bearer token provided', 'write token, tokens or filename');
  }
  const faulty = tokens.findIndex((each) => !isToken(each.reveal()));
  if (faulty >= 0) {
    const key = list.length > 0 ? `tokens[${faulty}]` : 'token';
    section.addProblem(key, 'is empty or has other than printable ASCII characters', 'write the token alone');
  }
  return config;
}

/** Whether a text can stand in a header. */
export function isToken(text: string): boolean {
  return /^[!-~](?:[ -~]*[!-~])?$/.test(text);
}

function readHeader(section: ConfigSection): string {
  const header = section.string('header', 'Authorization').toLowerCase();
  const isUsable = /^[0-9a-z_.-]+$/.test(header) && !header.endsWith('-bin') && !header.startsWith('grpc-');
  if (isUsable) return header;
  section.addProblem('header', 'cannot be the name of a header', 'use letters, digits, "_", "-" and "."');
  return 'authorization';
}

function readScheme(section: ConfigSection): string {
  const scheme = section.string('scheme', 'Bearer');
  if (/^[!-~]*$/.test(scheme)) return scheme;
  section.addProblem('scheme', 'is not one word', 'write a word such as "Bearer"');
  return 'Bearer';
}

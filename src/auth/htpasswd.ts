import { digestOf } from './same-text.ts';

/** Check of one user's password. */
export type PasswordRule =
  | { readonly kind: 'bcrypt'; readonly hash: string }
  /** SHA-1 of the password and then the salt, which may be empty. */
  | { readonly kind: 'sha1'; readonly digest: Buffer; readonly salt: Buffer }
  /** The password itself, as SHA-256. */
  | { readonly kind: 'plain'; readonly digest: Buffer };

// 2^15 rounds take two seconds of the one thread.
const maxBcryptCost = 15;

/**
 * Reads a htpasswd file (https://httpd.apache.org/docs/current/misc/password_encryptions.html): bcrypt, `{SHA}`, `{SSHA}` and plain
 * passwords. The last line of a user holds.
 * @throws Error `line N …`, without anything of the line
 */
export function parseHtpasswd(text: string): ReadonlyMap<string, PasswordRule> {
  const rules = new Map<string, PasswordRule>();
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const colon = line.indexOf(':');
    if (colon < 1) throw new Error(`line ${index + 1} is not user:password`);
    rules.set(line.slice(0, colon), parseRule(line.slice(colon + 1), index + 1));
  }
  return rules;
}

function parseRule(text: string, line: number): PasswordRule {
  if (text === '') throw new Error(`line ${line} has no password`);
  if (/^\$(?:apr1|[156])\$/.test(text)) throw new Error(`line ${line} has a hash that is not supported; use bcrypt`);
  if (text.startsWith('$2')) {
    const cost = Number(/^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/.exec(text)?.[1]);
    if (!(cost >= 4)) throw new Error(`line ${line} has a bcrypt hash that is not whole`);
    if (cost > maxBcryptCost)
      throw new Error(`line ${line} has a bcrypt cost of ${cost}; use at most ${maxBcryptCost}`);
    return { kind: 'bcrypt', hash: text };
  }
  const [, salted, encoded] = /^\{(S?)SHA\}(.*)$/.exec(text) ?? [];
  if (encoded === undefined) return { kind: 'plain', digest: digestOf(text) };
  const bytes = Buffer.from(encoded, 'base64');
  if (bytes.length < 20 || (salted === '' && bytes.length !== 20)) {
    throw new Error(`line ${line} has a SHA hash that is not whole`);
  }
  return { kind: 'sha1', digest: bytes.subarray(0, 20), salt: bytes.subarray(20) };
}

import type { ClientCredentials } from '../model/authentication.ts';
import type { Secret } from '../support/secret.ts';
import { redacted } from '../support/secret.ts';
import type { ExportClient, SendResult } from './export-client.ts';

// A shorter secret guards nothing, and would be found in every second message.
const minSecretLength = 6;

/**
 * A client whose results hold none of its secrets: receivers and proxies quote refused headers in their answers, and answers go
 * into the log and to the waiting caller. `secrets` is read at each answer.
 */
export function withoutSecrets(client: ExportClient, secrets: () => readonly string[]): ExportClient {
  return {
    sendsProtobuf: client.sendsProtobuf,
    start: () => client.start(),
    close: () => client.close(),
    send: async (request, signal) => clean(await client.send(request, signal), secrets),
  };
}

/** The values of configured headers, and those of an authenticator as they are now. */
export function secretsOf(
  headers: ReadonlyMap<string, Secret>,
  credentials: ClientCredentials | undefined,
): readonly string[] {
  return [
    ...Array.from(headers.values(), (value) => value.reveal()),
    ...(credentials?.() ?? []).map(([, value]) => value),
  ];
}

function clean(result: SendResult, secrets: () => readonly string[]): SendResult {
  if (result.kind !== 'accepted') return { ...result, reason: redactSecrets(result.reason, secrets()) };
  return result.message === '' ? result : { ...result, message: redactSecrets(result.message, secrets()) };
}

/** `text` without the values of headers, in any of the forms in which a peer may repeat them. */
export function redactSecrets(text: string, values: readonly string[]): string {
  const plain = values.flatMap(formsOf).filter((form) => form.length >= minSecretLength);
  const forms = plain.flatMap((form) => [form, JSON.stringify(form).slice(1, -1), encodeURIComponent(form)]);
  // The longest first: a part of it would leave the rest behind.
  const ordered = forms.sort((a, b) => b.length - a.length);
  return ordered.reduce((left, form) => left.replaceAll(form, redacted), text);
}

/** All of it, what follows the scheme, and user and password of basic auth. */
function formsOf(value: string): string[] {
  const [scheme, credential] = /^(\S+) +(\S.*)$/.exec(value)?.slice(1) ?? [];
  if (scheme === undefined || credential === undefined) return [value];
  if (scheme.toLowerCase() !== 'basic') return [value, credential];
  const pair = Buffer.from(credential, 'base64').toString('utf8');
  return [value, credential, pair, pair.slice(pair.indexOf(':') + 1)];
}

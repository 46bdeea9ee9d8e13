/** Path of OTLP profiles below a base URL (https://opentelemetry.io/docs/specs/otlp/#otlphttp-request). */
const profilesPath = '/v1development/profiles';

/**
 * Reads a URL of OTLP over HTTP: `base` gets the path of profiles appended, `whole` is used as it is. A text is the
 * problem that it has; it never repeats the URL, which may hold a password.
 */
export function parseProfilesUrl(text: string, kind: 'base' | 'whole'): URL | string {
  if (!/^https?:\/\//i.test(text)) return 'does not begin with http:// or https://';
  const url = URL.parse(text);
  if (url === null) return 'is no URL';
  if (url.username !== '' || url.password !== '') return 'holds a user or password, which belongs under headers';
  if (url.hash !== '') return 'has a fragment, which is never sent';
  if (kind === 'whole') return url;
  if (url.search !== '') return 'has a query, which a base URL cannot have';
  url.pathname = url.pathname.replace(/\/$/, '') + profilesPath;
  return url;
}

/** The URL as messages show it: without its query, which may hold a token. */
export function shownUrl(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

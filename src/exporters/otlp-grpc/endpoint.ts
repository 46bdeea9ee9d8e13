/** Address of a receiver, in the form of gRPC. */
export interface GrpcEndpoint {
  readonly target: string;
  /** Security by the scheme: `https` is TLS, `http` is not; other schemes leave it to the `tls` section. */
  readonly security: 'tls' | 'plaintext' | undefined;
}

/**
 * Reads `host:port`, `http://host:port`, `https://host:port`, `dns:///host:port`, `unix:path` or `unix:///absolute/path`.
 * A text is the problem that it has.
 */
export function parseGrpcEndpoint(text: string): GrpcEndpoint | string {
  if (/^unix:/.test(text)) return text.length > 'unix:'.length ? { target: text, security: undefined } : 'has no path';
  const [, scheme = '', rest = ''] = /^(https?:\/\/|dns:\/\/[^/]*\/|dns:(?!\/))?(.*)$/s.exec(text)!;
  const isHttp = scheme.startsWith('http');
  const address = isHttp ? rest.replace(/\/$/, '') : rest;
  const match = /^(\[[0-9a-fA-F:.%]+\]|[^\s:/[\]]+)(?::(.*))?$/s.exec(address);
  if (match === null) return 'is no address';
  const port = match[2];
  if (port === undefined) return 'has no port';
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535 || Number(port) === 0) return `has the invalid port "${port}"`;
  if (!isHttp) return { target: text, security: undefined };
  return { target: address, security: scheme === 'https://' ? 'tls' : 'plaintext' };
}

import type { SecureContext } from 'node:tls';
import type { Dispatcher } from 'undici';
import { Agent, ProxyAgent } from 'undici';
import type { OtlpHttpConfig } from './otlp-http-config.ts';

/** The connections of one exporter, none open yet; `context` is there for https. */
export function createDispatcher(config: OtlpHttpConfig, context: SecureContext | undefined): Dispatcher {
  const { tls, proxyUrl } = config;
  const connect = {
    rejectUnauthorized: !tls.insecureSkipVerify,
    ...(context !== undefined && { secureContext: context }),
    ...(tls.serverNameOverride !== '' && { servername: tls.serverNameOverride }),
  };
  const options = {
    // One request a connection at a time: a slow one holds up no other. 0 closes each connection after its request.
    pipelining: config.disableKeepAlives ? 0 : 1,
    connections: config.maxConnsPerHost || null,
    keepAliveTimeout: config.idleConnTimeoutMs,
    keepAliveMaxTimeout: config.idleConnTimeoutMs,
    // One stream at a time would gain nothing from HTTP/2, and OTLP wants HTTP/1.1 everywhere.
    allowH2: false,
    // The time of an attempt is the chain's to measure.
    headersTimeout: 0,
    bodyTimeout: 0,
  };
  if (proxyUrl === undefined) return new Agent({ ...options, connect });
  return new ProxyAgent({ ...options, uri: proxyUrl.reveal(), requestTls: connect });
}

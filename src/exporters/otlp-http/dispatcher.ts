import type { Dispatcher } from 'undici';
import { Agent, ProxyAgent } from 'undici';
import { loadSecureContext } from '../client-tls-config.ts';
import type { OtlpHttpConfig } from './otlp-http-config.ts';

/** The connections of one exporter, none open yet. @throws Error that names the key and the file that cannot be used */
export async function createDispatcher(config: OtlpHttpConfig, url: URL): Promise<Dispatcher> {
  const { tls, proxyUrl } = config;
  const connect = {
    rejectUnauthorized: !tls.insecureSkipVerify,
    ...(url.protocol === 'https:' && { secureContext: await loadSecureContext(tls) }),
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

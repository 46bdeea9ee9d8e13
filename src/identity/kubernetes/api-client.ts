import type { IncomingMessage } from 'node:http';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { messageOf } from '../../support/error-text.ts';
import type { Host } from '../host.ts';
import type { ApiServerConfig } from './api-config.ts';

/** A request that the API server, or the kubelet, did not answer as it should. */
export class ApiFailure extends Error {
  /** Status of HTTP; 0 without an answer. */
  readonly status: number;
  /** Delay that the server asks for; 0 for none. */
  readonly retryAfterMs: number;

  constructor(message: string, { status = 0, retryAfterMs = 0 } = {}) {
    super(message);
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

export interface ApiClientConfig {
  readonly authType: 'serviceAccount' | 'none';
  readonly server: ApiServerConfig;
  /** True for a kubelet whose certificate nobody has signed. */
  readonly skipsVerification?: boolean;
}

/** https://kubernetes.io/docs/reference/using-api/api-concepts/#metadata-only-fetches */
const metadataOnly = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
/** Bounds of what is read: a list of a node's pods has some megabytes, one event some ten kilobytes. */
const maxBodyBytes = 64 * 1024 * 1024;
const maxLineLength = 4 * 1024 * 1024;

/**
 * Client of the Kubernetes API: two calls over Node.js's own HTTPS, for which its library would bring a hundred packages. Token and
 * certificate authority are read for each request, so that renewed ones are used.
 */
export class ApiClient {
  readonly #config: ApiClientConfig;
  readonly #host: Host;

  constructor(config: ApiClientConfig, host: Host) {
    this.#config = config;
    this.#host = host;
  }

  /** Metadata alone of the object at a path, for which a server need not send what it is made of. @throws ApiFailure */
  getMetadata(path: string, signal: AbortSignal): Promise<unknown> {
    return this.get(path, signal, `${metadataOnly}, application/json`);
  }

  /** The JSON at a path. @throws ApiFailure */
  async get(path: string, signal: AbortSignal, accept?: string): Promise<unknown> {
    const response = await this.#request(path, signal, accept);
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    try {
      for await (const chunk of response as AsyncIterable<Buffer>) {
        sizeBytes += chunk.length;
        if (sizeBytes > maxBodyBytes) throw new ApiFailure(`${path}: the answer is larger than ${maxBodyBytes} bytes`);
        chunks.push(chunk);
      }
      return JSON.parse(Buffer.concat(chunks).toString());
    } catch (error) {
      response.destroy();
      throw error instanceof ApiFailure ? error : new ApiFailure(`${path}: ${messageOf(error)}`);
    }
  }

  /**
   * The JSON of each line at a path, as it comes. Ends with the answer. Nothing for `silenceMs` is a connection that is lost.
   * @throws ApiFailure
   */
  async *lines(path: string, silenceMs: number, signal: AbortSignal): AsyncGenerator<unknown> {
    const response = await this.#request(path, signal);
    response.setTimeout(silenceMs, () => response.destroy(new Error(`nothing came for ${silenceMs} ms`)));
    let rest = '';
    response.setEncoding('utf8');
    try {
      for await (const chunk of response as AsyncIterable<string>) {
        const lines = (rest + chunk).split('\n');
        rest = lines.pop()!;
        if (rest.length > maxLineLength) throw new ApiFailure(`${path}: an event is longer than ${maxLineLength}`);
        for (const line of lines) if (line !== '') yield JSON.parse(line);
      }
    } catch (error) {
      throw error instanceof ApiFailure ? error : new ApiFailure(`${path}: ${messageOf(error)}`);
    } finally {
      response.destroy();
    }
  }

  async #request(path: string, signal: AbortSignal, accept = 'application/json'): Promise<IncomingMessage> {
    const url = new URL(path, this.#baseUrl());
    const isSecure = url.protocol === 'https:';
    const { authType, server, skipsVerification = false } = this.#config;
    const headers: Record<string, string> = { accept, 'user-agent': 'framekeeper' };
    if (authType === 'serviceAccount') headers.authorization = `Bearer ${(await this.#read(server.tokenFile)).trim()}`;
    const ca = isSecure && !skipsVerification ? await this.#read(server.caFile) : undefined;
    const options = { headers, signal, ca, rejectUnauthorized: !skipsVerification };
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      // No kept connection: a request in ten minutes needs none, and a new one sees new certificates.
      const sent = isSecure
        ? requestHttps(url, { ...options, agent: false }, resolve)
        : requestHttp(url, { headers, signal, agent: false }, resolve);
      sent.on('error', (error) => reject(new ApiFailure(`${path}: ${messageOf(error)}`)));
      sent.end();
    });
    if (response.statusCode === 200) return response;
    response.resume();
    const status = response.statusCode ?? 0;
    const retryAfterMs = 1_000 * (Number(response.headers['retry-after']) || 0);
    throw new ApiFailure(`${path}: the server answered ${status}${hintOf(status)}`, { status, retryAfterMs });
  }

  #baseUrl(): string {
    const { endpoint } = this.#config.server;
    if (endpoint !== '') return endpoint;
    const { KUBERNETES_SERVICE_HOST: host = '', KUBERNETES_SERVICE_PORT: port = '443' } = this.#host.env;
    if (host === '') {
      throw new ApiFailure('KUBERNETES_SERVICE_HOST is not set: run in a pod, or write api_server.endpoint');
    }
    return `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
  }

  async #read(path: string): Promise<string> {
    try {
      return await this.#host.readText(path);
    } catch (error) {
      throw new ApiFailure(`cannot read ${path}: ${messageOf(error)}`);
    }
  }
}

function hintOf(status: number): string {
  if (status === 401) return ' (the token is not taken)';
  return status === 403 ? ' (the service account lacks the right to it)' : '';
}

import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { ObjectMetadata, Pod } from '../../../src/identity/kubernetes/pod.ts';
import { Authority } from '../../support/certificates.ts';

export interface RecordedApiRequest {
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly authorization: string;
  readonly accept: string;
}

/** An answer in place of the usual one; none at all for the status 0. */
export interface Refusal {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Speaks list and watch of the Kubernetes API over HTTPS, in the shapes of its documentation
 * (https://kubernetes.io/docs/reference/using-api/api-concepts/): one JSON a line, bookmarks, errors with a Status.
 */
export class ApiServer {
  readonly authority = new Authority('cluster');
  readonly requests: RecordedApiRequest[] = [];
  readonly refusals: Refusal[] = [];
  /** Objects beside the pods, by path; any other is 404. */
  readonly objects = new Map<string, unknown>();
  /** Refuses objects beside the pods while it is set. */
  objectRefusal: Refusal | undefined;
  token = 'token-1';
  #version = 100;
  readonly #pods = new Map<string, Pod>();
  readonly #watches = new Set<ServerResponse>();
  #server: Server | undefined;

  async start(t: TestContext): Promise<void> {
    const server = createServer(this.authority.issue('api'), (request, response) => this.#answer(request, response));
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
  }

  get endpoint(): string {
    return `https://127.0.0.1:${(this.#server!.address() as AddressInfo).port}`;
  }

  get version(): string {
    return String(this.#version);
  }

  get watchCount(): number {
    return this.#watches.size;
  }

  /** Adds or changes a pod. Without `isTold`, nobody watches. */
  put(pod: Pod, { isTold = true } = {}): void {
    const uid = pod.metadata!.uid!;
    const type = this.#pods.has(uid) ? 'MODIFIED' : 'ADDED';
    const written = { ...pod, metadata: { ...pod.metadata, resourceVersion: String(++this.#version) } };
    this.#pods.set(uid, written);
    if (isTold) this.send({ type, object: { kind: 'Pod', apiVersion: 'v1', ...written } });
  }

  delete(uid: string, { isTold = true } = {}): void {
    const pod = this.#pods.get(uid)!;
    this.#pods.delete(uid);
    const object = { ...pod, metadata: { ...pod.metadata, resourceVersion: String(++this.#version) } };
    if (isTold) this.send({ type: 'DELETED', object: { kind: 'Pod', apiVersion: 'v1', ...object } });
  }

  bookmark(): void {
    const object = { kind: 'Pod', apiVersion: 'v1', metadata: { resourceVersion: String(++this.#version) } };
    this.send({ type: 'BOOKMARK', object });
  }

  /** Says that the version of the watches is too old, and ends them. */
  expire(): void {
    const message = `too old resource version: 1 (${this.#version})`;
    const object = {
      ...{ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure' },
      ...{ message, reason: 'Expired', code: 410 },
    };
    this.send({ type: 'ERROR', object });
    this.end();
  }

  /** Ends the watches as a server does after a while. */
  end(): void {
    for (const watch of this.#watches) watch.end();
    this.#watches.clear();
  }

  /** Breaks the connections of the watches. */
  reset(): void {
    for (const watch of this.#watches) watch.destroy();
    this.#watches.clear();
  }

  send(event: unknown): void {
    for (const watch of this.#watches) watch.write(`${JSON.stringify(event)}\n`);
  }

  #answerObject(path: string, response: ServerResponse): void {
    const object = this.objects.get(path);
    if (this.objectRefusal !== undefined) {
      response.writeHead(this.objectRefusal.status, this.objectRefusal.headers).end('{"kind":"Status"}');
    } else if (object === undefined) response.writeHead(404).end('{"kind":"Status","code":404}');
    else response.end(JSON.stringify(object));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url!, 'https://api');
    const { authorization = '', accept = '' } = request.headers;
    const query = Object.fromEntries(url.searchParams);
    this.requests.push({ path: url.pathname, query, authorization, accept });
    const refusal = this.refusals.shift();
    if (refusal?.status === 0) return;
    if (refusal !== undefined) return void response.writeHead(refusal.status, refusal.headers).end('{"kind":"Status"}');
    if (authorization !== `Bearer ${this.token}`) return void response.writeHead(401).end('{"kind":"Status"}');
    if (!url.pathname.endsWith('/pods')) return void this.#answerObject(url.pathname, response);
    if (query.watch === '1') {
      response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
      this.#watches.add(response);
      response.on('close', () => this.#watches.delete(response));
      return;
    }
    const items = [...this.#pods.values()];
    response.end(
      JSON.stringify({ kind: 'PodList', apiVersion: 'v1', metadata: { resourceVersion: this.version }, items }),
    );
  }
}

/** Metadata of an object as the API answers where metadata alone is asked for. */
export function partialMetadata(metadata: ObjectMetadata): object {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata };
}

/** Waits for what a server and a client do with each other. */
export async function until(isSo: () => boolean): Promise<void> {
  const endMs = Date.now() + 20_000;
  while (!isSo()) {
    if (Date.now() > endMs) throw new Error(`not so within 20 s: ${isSo}`);
    await setImmediate();
  }
}

export const shopId = 'ab'.repeat(32);

/** A pod of a deployment as the API writes it. `containerId` is empty before the container was created. */
export function shopPod({ containerId = shopId, uid = 'u-shop', more = {} as NonNullable<Pod['metadata']> } = {}): Pod {
  return {
    metadata: {
      name: 'shop-6d4cf56db6-x2x7k',
      namespace: 'web',
      uid,
      creationTimestamp: '2026-11-30T07:00:00Z',
      labels: { app: 'shop', 'pod-template-hash': '6d4cf56db6', tier: 'front' },
      annotations: { team: 'cart', 'resource.opentelemetry.io/deployment.environment.name': 'staging' },
      ownerReferences: [{ kind: 'ReplicaSet', name: 'shop-6d4cf56db6', uid: 'u-rs', controller: true }],
      ...more,
    },
    spec: {
      nodeName: 'node-1',
      containers: [{ name: 'shop', image: 'registry.example.com:5000/web/shop:1.2' }],
    },
    status: {
      phase: 'Running',
      podIP: '10.1.2.3',
      podIPs: [{ ip: '10.1.2.3' }],
      containerStatuses: [
        {
          name: 'shop',
          image: 'registry.example.com:5000/web/shop:1.2',
          imageID: `registry.example.com:5000/web/shop@sha256:${'c'.repeat(64)}`,
          ...(containerId !== '' && { containerID: `containerd://${containerId}` }),
        },
      ],
    },
  };
}

import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';

/** Takes documents by the bulk API, and keeps them by index. No release of Elasticsearch can be had from a package registry. */
export interface FakeElasticsearch {
  readonly url: string;
  /** Documents of an index, with their IDs; the name may begin the index's name. */
  documents(index: string): { readonly id: string; readonly source: Record<string, unknown> }[];
  stop(): Promise<void>;
}

export async function startFakeElasticsearch(): Promise<FakeElasticsearch> {
  const kept: { readonly index: string; readonly id: string; readonly source: Record<string, unknown> }[] = [];
  const server = createServer((request, response) => {
    response.setHeader('x-elastic-product', 'Elasticsearch');
    response.setHeader('content-type', 'application/json');
    const answer = request.url?.includes('_bulk')
      ? readBulk(request).then((actions) => {
          kept.push(...actions);
          const items = actions.map(({ verb }) => ({ [verb]: { status: 201 } }));
          return { took: 1, errors: false, items };
        })
      : Promise.resolve({ version: { number: '9.1.0' }, tagline: 'You Know, for Search' });
    answer.then(
      (body) => response.end(JSON.stringify(body)),
      (error) => response.writeHead(400).end(String(error)),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    documents: (index) => kept.filter((each) => each.index === index),
    stop: async () => {
      server.closeAllConnections();
      await once(server.close(), 'close');
    },
  };
}

/** Lines in pairs: the action, and its document. */
async function readBulk(request: IncomingMessage) {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const text = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body).toString();
  const lines = text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  return Array.from({ length: lines.length / 2 }, (_, i) => {
    const [[verb, action]] = Object.entries(lines[2 * i]) as [[string, { _index: string; _id?: string }]];
    return { verb, index: action._index, id: action._id ?? '', source: lines[2 * i + 1] as Record<string, unknown> };
  });
}

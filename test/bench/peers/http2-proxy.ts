import type { ServerHttp2Stream } from 'node:http2';
import { connect, createServer } from 'node:http2';

// A floor: requests go on as streams of bytes, which nothing looks at. Arguments: port, port to send to.
const [port, target] = process.argv.slice(2).map(Number) as [number, number];
const upstream = connect(`http://127.0.0.1:${target}`);
const server = createServer({ settings: { initialWindowSize: 1 << 20 } });
server.on('stream', (stream: ServerHttp2Stream, { ':path': path, 'grpc-encoding': encoding }) => {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.on('end', () => {
    const request = upstream.request({
      ...{ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' },
      ...(encoding !== undefined && { 'grpc-encoding': encoding }),
    });
    request.on('close', () => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(Buffer.alloc(5));
    });
    request.resume();
    request.end(Buffer.concat(chunks));
  });
});
server.listen(port, '127.0.0.1');

import type { sendUnaryData } from '@grpc/grpc-js';
import { Client, credentials, Server, ServerCredentials } from '@grpc/grpc-js';
import { profilesServiceDefinition } from '../../support/grpc-services.ts';
import { exportPath } from './grpc-load.ts';

// A floor: requests go on as messages of bytes, which nothing looks at. Arguments: port, port to send to.
const [port, target] = process.argv.slice(2).map(Number) as [number, number];
const client = new Client(`127.0.0.1:${target}`, credentials.createInsecure(), { 'grpc.max_send_message_length': -1 });
const server = new Server({ 'grpc.max_receive_message_length': -1 });
const same = (bytes: Buffer): Buffer => bytes;
server.addService(profilesServiceDefinition, {
  Export: ({ request }: { readonly request: Buffer }, reply: sendUnaryData<Buffer>) =>
    client.makeUnaryRequest(exportPath, same, same, request, (error, response) =>
      error === null ? reply(null, response!) : reply(error),
    ),
});
server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error) => {
  if (error !== null) throw error;
});

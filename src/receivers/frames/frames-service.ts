import { join } from 'node:path';
import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';
import type { PackageDefinition } from '@grpc/proto-loader';
import { loadPackage } from '../../support/lazy-package.ts';

export const framesServiceName = 'framekeeper.frames.v1.FramesService';

/** `FramesService` with messages as bytes: they are read and written by hand. */
export const framesServiceDefinition: ServiceDefinition = {
  Submit: bytesMethod('Submit', false),
  Stream: bytesMethod('Stream', true),
};

/** For reflection. The file is beside `src`, and beside `dist` in what is installed. */
export function loadFramesProto(): PackageDefinition {
  const includeDirs = [join(import.meta.dirname, '../../../proto')];
  const { loadSync } = loadPackage<typeof import('@grpc/proto-loader')>('@grpc/proto-loader');
  return loadSync('framekeeper/frames/v1/frames.proto', { includeDirs, keepCase: true });
}

function bytesMethod(name: string, isStream: boolean): MethodDefinition<Buffer, Buffer> {
  return {
    path: `/${framesServiceName}/${name}`,
    requestStream: isStream,
    responseStream: isStream,
    requestSerialize: (bytes) => bytes,
    requestDeserialize: (bytes) => bytes,
    responseSerialize: (bytes) => bytes,
    responseDeserialize: (bytes) => bytes,
  };
}

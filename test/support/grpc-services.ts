import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';

/** `FramesService` for grpc-js, with messages as bytes. */
export const framesServiceDefinition: ServiceDefinition = {
  Submit: bytesMethod('/framekeeper.frames.v1.FramesService/Submit', false),
  Stream: bytesMethod('/framekeeper.frames.v1.FramesService/Stream', true),
};

/** `ProfilesService` for grpc-js, with messages as bytes. */
export const profilesServiceDefinition: ServiceDefinition = {
  Export: bytesMethod('/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export', false),
};

function bytesMethod(path: string, isStream: boolean): MethodDefinition<Buffer, Buffer> {
  const same = (bytes: Buffer): Buffer => bytes;
  return {
    path,
    requestStream: isStream,
    responseStream: isStream,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
}

import { join } from 'node:path';
import { loadSync } from '@grpc/proto-loader';
import { protoPath } from 'grpc-health-check';

const root = join(import.meta.dirname, '../..');
const reflection = (version: string): string =>
  join(root, `node_modules/@grpc/reflection/build/proto/grpc/reflection/${version}/reflection.proto`);

/** The services of Framekeeper as a `FileDescriptorSet`: what reflection answers with. */
export function descriptorSet(): Buffer {
  const own = [
    'framekeeper/frames/v1/frames.proto',
    'opentelemetry/proto/collector/profiles/v1development/profiles_service.proto',
  ];
  const files = new Map<string, Buffer>();
  for (const file of [...own, protoPath, reflection('v1'), reflection('v1alpha')]) {
    const loaded = loadSync(file, { includeDirs: [join(root, 'proto')], keepCase: true });
    for (const entry of Object.values(loaded)) {
      if (!('fileDescriptorProtos' in entry)) continue;
      for (const bytes of entry.fileDescriptorProtos as Buffer[]) files.set(bytes.toString('latin1'), bytes);
    }
  }
  return Buffer.concat([...files.values()].flatMap((bytes) => [Buffer.from([0x0a]), varint(bytes.length), bytes]));
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.from([...bytes, rest]);
}

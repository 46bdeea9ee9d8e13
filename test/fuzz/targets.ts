import { closeSync, mkdtempSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Remarks } from '../../src/cli/replay/collected.ts';
import { parsePerfScript } from '../../src/cli/replay/perf-script.ts';
import { parseYaml } from '../../src/config/yaml-text.ts';
import { InvalidMessage } from '../../src/model/invalid-message.ts';
import { PerfMap, parsePerfMap } from '../../src/native/tables/perf-map.ts';
import { encodeProfilesJson } from '../../src/otlp/json/encode-profiles-json.ts';
import { encodeProfilesData } from '../../src/otlp/protobuf/encode-profiles-data.ts';
import { BatchDecoder } from '../../src/receivers/frames/batch-decoder.ts';
import { decodeMessage } from '../../src/receivers/otlp/decode-message.ts';
import { MessageReader } from '../../src/receivers/otlp/message-reader.ts';
import { systemFileSystem } from '../../src/storage/log-file-system.ts';
import { encodeRecordHeader, headerBytes, headerOf } from '../../src/storage/record-header.ts';
import { scanSegment } from '../../src/storage/segment-scan.ts';
import { systemClock } from '../../src/support/clock.ts';
import { decodeEntries } from '../../src/symbols/snapshot/decode-entries.ts';
import {
  decodeSectionHeader,
  SnapshotFault,
  sectionHeaderBytes,
  headerBytes as snapshotHeaderBytes,
} from '../../src/symbols/snapshot/snapshot-format.ts';
import { goodProfiles } from '../otlp/good-profiles.ts';
import { fileIdOf, processOf, symbolOf } from '../support/batch.ts';
import { encodeBatch, smallBatch } from '../support/frames-client.ts';
import { LineSink, save } from '../symbols/snapshot/snapshot-harness.ts';
import { StoreHarness, stubOf } from '../symbols/store-harness.ts';

/** A reader of bytes that somebody else wrote. */
export interface FuzzTarget {
  readonly name: string;
  readonly seeds: () => readonly Buffer[] | Promise<readonly Buffer[]>;
  readonly read: (bytes: Buffer) => unknown;
  readonly isRefusal: (error: unknown) => boolean;
}

const root = join(import.meta.dirname, '../..');
const isInvalid = (error: unknown): boolean => error instanceof InvalidMessage;
const never = (): boolean => false;
const mostDecodedBytes = 64 * 1024 * 1024;

const now = systemClock.unixNano();
const decoder = new BatchDecoder({ maxAgeMs: 86_400_000, maxFutureMs: 3_600_000 });
const reader = new MessageReader();
const scratch = join(mkdtempSync(join(tmpdir(), 'framekeeper-fuzz-')), 'scratch');

export const targets: readonly FuzzTarget[] = [
  {
    name: 'frames',
    seeds: () => [encodeBatch(smallBatch([now]))],
    read: (bytes) => decoder.decode(bytes, now),
    isRefusal: isInvalid,
  },
  {
    name: 'otlp',
    seeds: () => [Buffer.from(encodeProfilesData(goodProfiles()))],
    read: (bytes) => reader.read({ encoding: 'protobuf', bytes, isVersionDeclared: bytes.length % 2 === 0 }),
    isRefusal: isInvalid,
  },
  {
    name: 'json',
    seeds: () => [Buffer.from(encodeProfilesJson(goodProfiles()))],
    read: (bytes) => decodeMessage({ encoding: 'json', bytes, isVersionDeclared: false }, mostDecodedBytes),
    isRefusal: isInvalid,
  },
  {
    name: 'yaml',
    seeds: () => [readFileSync(join(root, 'otel-config.yaml'))],
    read: (bytes) => parseYaml(bytes.toString()),
    isRefusal: never,
  },
  {
    name: 'snapshot',
    seeds: async () => [await snapshotPayload()],
    read: (bytes) => decodeEntries(bytes, new LineSink()),
    isRefusal: (error) => error instanceof SnapshotFault,
  },
  {
    name: 'segments',
    seeds: () => [segment()],
    read: (bytes) => {
      writeFileSync(scratch, bytes);
      const file = openSync(scratch, 'r');
      try {
        return scanSegment(systemFileSystem, file);
      } finally {
        closeSync(file);
      }
    },
    isRefusal: never,
  },
  {
    name: 'perf-text',
    seeds: () => [Buffer.from(perfText)],
    read: (bytes) => [...parsePerfScript(bytes.toString(), new Remarks())],
    isRefusal: never,
  },
  {
    name: 'perf-map',
    seeds: () => [Buffer.from(perfMap)],
    read: (bytes) => new PerfMap(parsePerfMap(bytes.toString())),
    isRefusal: never,
  },
];

const perfText = `node 4242/4243 [001] 1000.000001: 10101010 cpu-clock:
\tffffffff81000123 do_syscall_64+0x33 ([kernel.kallsyms])
\t    55d0c0ffee10 main+0x10 (/usr/bin/node)
\t    7f0000001000 [unknown] (/tmp/perf-4242.map)

`;

const perfMap = `7f0000001000 40 LazyCompile:*main /app/index.js:1:1
7f0000001020 80 Builtin:ArrayMap
ffffffffffffff00 ff RegExp:(a
b)
7f0000001000 10 int com.example.Inner.work()
`;

/** Three records as a durable queue writes them. */
function segment(): Buffer {
  const parts: Buffer[] = [];
  let offset = 0;
  for (const text of ['first', 'second', 'third']) {
    const payload = Buffer.from(text.repeat(20));
    parts.push(encodeRecordHeader(headerOf([payload], 3), offset), payload);
    offset += headerBytes + payload.length;
  }
  return Buffer.concat(parts);
}

/** The entries of a small store, behind the checksums that would refuse every mutation. */
async function snapshotPayload(): Promise<Buffer> {
  const harness = new StoreHarness();
  harness.learnName(fileIdOf(1), 0xffff_8000_0000_1234n, 'first', { inlined: [symbolOf('inner')] });
  harness.learn({ stubs: [stubOf({ process: processOf(7) }, 16n, 8n, 'entry')] });
  const path = `${scratch}-snapshot`;
  await save(harness.store, path, { nowMs: 0 });
  const bytes = readFileSync(path).subarray(snapshotHeaderBytes);
  const { length } = decodeSectionHeader(bytes, bytes.length);
  return bytes.subarray(sectionHeaderBytes, sectionHeaderBytes + length);
}

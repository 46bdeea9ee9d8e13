import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exitCodes } from '../../src/cli/command-io.ts';
import { runReplay } from '../../src/cli/replay.ts';
import type { ProfilesData } from '../../src/otlp/profiles-data.ts';
import { decodeProfilesData } from '../../src/otlp/protobuf/decode-profiles-data.ts';
import { systemClock } from '../../src/support/clock.ts';
import { attributesOf } from './plain-view.ts';
import { readProtoFile } from './proto-file.ts';
import { recordedIo } from './recorded-io.ts';
import { serveConfig } from './serve-config.ts';

export interface RecordedRun {
  /** What the file exporter wrote, in order. */
  readonly messages: readonly ProfilesData[];
  /** What `replay` printed at its end. */
  readonly summary: string;
}

/** The whole service on free ports, recordings sent into it over gRPC as `replayArgs` say, and what its file exporter wrote. */
export async function runRecordings(
  replayArgs: readonly string[],
  { symbolStore = '{}', interval = '200ms' }: { readonly symbolStore?: string; readonly interval?: string } = {},
): Promise<RecordedRun> {
  const folder = mkdtempSync(join(tmpdir(), 'framekeeper-'));
  const path = join(folder, 'profiles.otlp');
  const config = `
receivers: {frames: {protocols: {grpc: {endpoint: "127.0.0.1:0"}}}}
processors: {symbol_store: ${symbolStore}, reporting_cycle: {interval: ${interval}}}
exporters: {file: {path: "${path}", format: proto}}
service:
  pipelines: {profiles: {receivers: [frames], processors: [symbol_store, reporting_cycle], exporters: [file]}}
  telemetry: {logs: {level: error}, metrics: {level: none}}
`;
  const io = recordedIo();
  const { code, problems } = await serveConfig(config, (service) => {
    const [port] = service.receiverPorts.values();
    const args = ['--endpoint', `127.0.0.1:${port}`, '--once', ...replayArgs];
    const { signal } = new AbortController();
    return runReplay(args, { ...io, signal, clock: systemClock, random: Math.random });
  });
  assert.equal(code, exitCodes.ok, problems + io.err);
  const messages = readProtoFile(path).map(decodeProfilesData);
  rmSync(folder, { recursive: true });
  return { messages, summary: io.out };
}

export interface ReportedFrame {
  readonly type: string;
  /** Of the outermost function; empty when the frame has no name. */
  readonly name: string;
  readonly isNamed: boolean;
  readonly hasLine: boolean;
  readonly address: bigint;
  readonly buildId: unknown;
  readonly moduleName: string;
}

/** Every frame of every sample. */
export function framesOf(messages: readonly ProfilesData[]): ReportedFrame[] {
  return messages.flatMap((data) => {
    const { dictionary, resourceProfiles } = data;
    const frames = [...dictionary.locationTable].map(({ address, lines, mappingIndex, attributeIndices }) => {
      const mapping = dictionary.mappingTable[mappingIndex]!;
      const called = lines.map(({ functionIndex }) => dictionary.functionTable.at(functionIndex)!);
      return {
        type: String(attributesOf(data, attributeIndices)['profile.frame.type']),
        name: dictionary.stringTable.at(called.at(-1)?.nameStrindex ?? 0)!,
        isNamed: called.length > 0 && called.every(({ nameStrindex }) => nameStrindex !== 0),
        hasLine: called.every(({ filenameStrindex }) => filenameStrindex !== 0) && lines.every(({ line }) => line > 0n),
        address,
        buildId: attributesOf(data, mapping.attributeIndices)['process.executable.build_id.gnu'],
        moduleName: dictionary.stringTable.at(mapping.filenameStrindex)!,
      };
    });
    const samples = resourceProfiles.flatMap(({ scopeProfiles }) =>
      scopeProfiles.flatMap(({ profiles }) => profiles.flatMap((profile) => [...profile.samples])),
    );
    return [...samples].flatMap(({ stackIndex }) =>
      dictionary.stackTable.at(stackIndex)!.locationIndices.map((index) => frames[index]!),
    );
  });
}

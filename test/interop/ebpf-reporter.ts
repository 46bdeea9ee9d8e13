import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { exitCodes } from '../../src/cli/command-io.ts';
import { decodeProfilesData } from '../../src/otlp/protobuf/decode-profiles-data.ts';
import { runChild } from '../support/child-process.ts';
import { freePorts } from '../support/free-ports.ts';
import { readProtoFile } from '../support/proto-file.ts';
import { serveConfig } from '../support/serve-config.ts';
import { observationsOf } from './observations.ts';
import { locatePeers } from './peers.ts';
import type { ReporterDocument } from './reporter-document.ts';

const deadlineMs = 60_000;

export interface ReporterRun {
  readonly flags?: readonly string[];
  /** Settings of the reporting cycle. */
  readonly cycle?: string;
  /** Uses the service's port before the reporter does. */
  readonly before: (port: number) => Promise<void>;
}

/**
 * The whole service with both of its receivers; the eBPF profiler's own reporter sends it `document`. Resolves, when all
 * events of the document have come out of the service, to what that sent.
 */
export async function runReporter(
  document: ReporterDocument,
  { flags = [], cycle = '{interval: 1h}', before }: ReporterRun,
): Promise<Uint8Array[]> {
  const folder = mkdtempSync(join(tmpdir(), 'framekeeper-ebpf-reporter-'));
  const sent = join(folder, 'sent.proto');
  const [port] = (await freePorts(1)) as [number];
  const protocols = `{protocols: {grpc: {endpoint: "127.0.0.1:${port}"}}}`;
  const config = `
receivers: {frames: ${protocols}, otlp: ${protocols}}
processors: {symbol_store: {}, reporting_cycle: ${cycle}}
exporters: {file: {path: "${sent}", format: proto}}
service:
  pipelines: {profiles: {receivers: [frames, otlp], processors: [symbol_store, reporting_cycle], exporters: [file]}}
  telemetry: {logs: {level: error}, metrics: {level: none}}
`;
  try {
    const { code, problems } = await serveConfig(config, async () => {
      await before(port);
      await report(document, [`-endpoint=127.0.0.1:${port}`, ...flags], folder, sent);
      return exitCodes.ok;
    });
    assert.equal(code, exitCodes.ok, problems);
    return readProtoFile(sent);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function report(document: ReporterDocument, flags: string[], folder: string, sent: string): Promise<void> {
  const path = join(folder, 'document.json');
  writeFileSync(path, JSON.stringify(document));
  const child = runChild(locatePeers().ebpfReporter, [...flags, path], { folder });
  const deadline = performance.now() + deadlineMs;
  for (let count = 0; count < document.events.length; count = countReported(sent)) {
    const told = `${count} of ${document.events.length} events have come out:\n${child.output()}`;
    assert.ok(!child.hasEnded() && performance.now() < deadline, told);
    await sleep(100);
  }
  assert.equal(await child.stop(), 0, child.output());
}

function countReported(file: string): number {
  try {
    return readProtoFile(file).flatMap((message) => observationsOf(decodeProfilesData(message))).length;
  } catch {
    return 0; // The last message is not whole yet.
  }
}

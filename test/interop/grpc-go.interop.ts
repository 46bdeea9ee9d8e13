import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { decodeProfilesData } from '../../src/otlp/protobuf/decode-profiles-data.ts';
import { encodeProfilesData } from '../../src/otlp/protobuf/encode-profiles-data.ts';
import { childConfig } from '../support/child-config.ts';
import { freePorts } from '../support/free-ports.ts';
import { readProtoFile } from '../support/proto-file.ts';
import { startChild } from './framekeeper.ts';
import { locatePeers } from './peers.ts';
import { copiesOf, recordedRequest } from './recorded-request.ts';

const run = promisify(execFile);
const exportMethod = '/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export';
const callCount = 240;
const callsAtOnce = 24;

test('of many calls of grpc-go at once, large ones and cancelled ones, no message is lost and none hangs', {
  timeout: 180_000,
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'framekeeper-grpc-go-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const [otlpPort, healthPort] = (await freePorts(2)) as [number, number];
  const sent = join(folder, 'sent.proto');
  const document = childConfig({
    receivers: { otlp: { protocols: { grpc: { endpoint: `127.0.0.1:${otlpPort}` } } } },
    processors: { symbol_store: {}, reporting_cycle: {} },
    exporters: { file: { path: sent, format: 'proto' } },
    healthPort,
  });
  const child = await startChild(folder, document, healthPort);
  t.after(() => child.kill());
  const recorded = await recordedRequest();
  const messages = [1, 4, 24].map((copies) => encodeProfilesData(copiesOf(recorded, copies)));
  const files = messages.map((message, index) => {
    const file = join(folder, `message-${index}`);
    writeFileSync(file, message);
    return file;
  });
  const args = [`127.0.0.1:${otlpPort}`, exportMethod, String(callCount), String(callsAtOnce), ...files];
  const { stdout } = await run(locatePeers().grpcClient, args);
  assert.equal(await child.stop(), 0);
  const ended = JSON.parse(stdout) as Record<string, number>;
  t.diagnostic(`${messages.map(({ length }) => length).join(', ')} bytes; ${stdout.trim()}`);
  assert.equal(sum(Object.values(ended)), callCount);
  const statuses = new Set(Object.keys(ended).map((name) => name.split(' ')[1]));
  assert.deepEqual(
    [...statuses].filter((name) => !['OK', 'Canceled', 'DeadlineExceeded'].includes(name!)),
    [],
  );
  const samplesOf = (bytes: Uint8Array): number =>
    sum(
      decodeProfilesData(bytes).resourceProfiles.flatMap(({ scopeProfiles }) =>
        scopeProfiles.flatMap(({ profiles }) => profiles.map(({ samples }) => samples.length)),
      ),
    );
  const arrived = readProtoFile(sent).map(samplesOf);
  for (const [kind, message] of messages.entries()) {
    const samples = samplesOf(message);
    const count = arrived.filter((each) => each === samples).length;
    const accepted = ended[`${kind} OK`]!;
    assert.ok(accepted >= callCount / 5, `${accepted} of the kind ${kind} were accepted`);
    // A call that was cancelled may have arrived.
    assert.ok(
      count >= accepted && count <= callCount / 3,
      `${count} of the kind ${kind} arrived, ${accepted} accepted`,
    );
  }
});

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

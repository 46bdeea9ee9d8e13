import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { exitCodes } from '../src/cli/command-io.ts';
import { runReplay } from '../src/cli/replay.ts';
import { checkConformance } from '../src/otlp/conformance/check-conformance.ts';
import { checkContract } from '../src/otlp/conformance/check-contract.ts';
import { decodeProfilesData } from '../src/otlp/decode-profiles-data.ts';
import type { ProfilesData } from '../src/otlp/profiles-data.ts';
import { runServe } from '../src/serve.ts';
import { systemClock } from '../src/support/clock.ts';
import { attributesOf } from './support/plain-view.ts';

/** The whole service on free ports, a recording sent into it over gRPC, and what its file exporter wrote. */
async function reportRecording(name: string): Promise<ProfilesData[]> {
  const folder = mkdtempSync(join(tmpdir(), 'framekeeper-'));
  const path = join(folder, 'profiles.otlp');
  const config = `
receivers: {frames: {protocols: {grpc: {endpoint: "127.0.0.1:0"}}}}
processors: {symbol_store: {}, reporting_cycle: {interval: 200ms}}
exporters: {file: {path: "${path}", format: proto}}
service:
  pipelines: {profiles: {receivers: [frames], processors: [symbol_store, reporting_cycle], exporters: [file]}}
  telemetry: {logs: {level: error}, metrics: {level: none}}
`;
  const silent = { env: {}, stdout: () => {}, stderr: () => {}, readFile: () => config };
  const { signal } = new AbortController();
  const code = await runServe({ configs: ['file:in-memory.yaml'], sets: [] }, silent, signal, (service) => {
    const [port] = service.receiverPorts.values();
    const args = ['--endpoint', `127.0.0.1:${port}`, '--once', '--speed', 'max', name];
    return runReplay(args, { ...silent, signal, clock: systemClock, random: Math.random });
  });
  assert.equal(code, exitCodes.ok);
  const messages = splitMessages(readFileSync(path)).map(decodeProfilesData);
  rmSync(folder, { recursive: true });
  return messages;
}

/** Messages of the Collector's file format: each behind its length, four bytes, big-endian. */
function splitMessages(bytes: Buffer): Buffer[] {
  const messages: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 4 + bytes.readUInt32BE(at)) {
    messages.push(bytes.subarray(at + 4, at + 4 + bytes.readUInt32BE(at)));
  }
  return messages;
}

interface ReportedFrame {
  readonly type: string;
  readonly isNamed: boolean;
  readonly hasLine: boolean;
  readonly address: bigint;
  readonly buildId: unknown;
  readonly moduleName: string;
}

/** Every frame of every sample. */
function framesOf(messages: readonly ProfilesData[]): ReportedFrame[] {
  return messages.flatMap((data) => {
    const { dictionary, resourceProfiles } = data;
    const frames = dictionary.locationTable.map(({ address, lines, mappingIndex, attributeIndices }) => {
      const mapping = dictionary.mappingTable[mappingIndex]!;
      const called = lines.map(({ functionIndex }) => dictionary.functionTable[functionIndex]!);
      return {
        type: String(attributesOf(data, attributeIndices)['profile.frame.type']),
        isNamed: called.length > 0 && called.every(({ nameStrindex }) => nameStrindex !== 0),
        hasLine: called.every(({ filenameStrindex }) => filenameStrindex !== 0) && lines.every(({ line }) => line > 0n),
        address,
        buildId: attributesOf(data, mapping.attributeIndices)['process.executable.build_id.gnu'],
        moduleName: dictionary.stringTable[mapping.filenameStrindex]!,
      };
    });
    const samples = resourceProfiles.flatMap(({ scopeProfiles }) =>
      scopeProfiles.flatMap(({ profiles }) => profiles.flatMap((profile) => profile.samples)),
    );
    return samples.flatMap(({ stackIndex }) =>
      dictionary.stackTable[stackIndex]!.locationIndices.map((index) => frames[index]!),
    );
  });
}

function shareOf<T>(items: readonly T[], holds: (item: T) => boolean): number {
  assert.ok(items.length > 0, 'there is nothing to take a share of');
  return items.filter(holds).length / items.length;
}

/** Trace events of the recordings; in two more of kern no frame lies in a mapping, which the collector reports as lost. */
const sampleCounts = { c: 846, java: 753, kern: 557, node: 285, python: 884 } as const;

for (const [recording, sampleCount] of Object.entries(sampleCounts)) {
  describe(`what is reported of the recording "${recording}"`, () => {
    let messages: ProfilesData[] = [];
    before(async () => {
      messages = await reportRecording(recording);
    });
    const ofType = (type: string): ReportedFrame[] => framesOf(messages).filter((frame) => frame.type === type);

    test('has every sample', () => {
      const moments = messages.flatMap(({ resourceProfiles }) =>
        resourceProfiles.flatMap(({ scopeProfiles }) =>
          scopeProfiles.flatMap(({ profiles }) =>
            profiles.flatMap(({ samples }) => samples.flatMap(({ timestampsUnixNano }) => timestampsUnixNano)),
          ),
        ),
      );
      assert.equal(moments.length, sampleCount);
    });

    test('keeps to the specification and to our contract', () => {
      assert.deepEqual(
        messages.flatMap((data) => [...checkConformance(data), ...checkContract(data)]),
        [],
      );
    });

    test('has no placeholder for a name', () => {
      const texts = messages.flatMap(({ dictionary }) => dictionary.stringTable);
      assert.deepEqual(
        texts.filter((text) => /UNREPORTED|UNRESOLVED|UNKNOWN/.test(text)),
        [],
      );
    });

    test('names every kernel frame', () => {
      assert.equal(
        shareOf(ofType('kernel'), ({ isNamed }) => isNamed),
        1,
      );
    });

    test('keeps address, file name and build ID of native frames, which nobody has named', () => {
      const native = ofType('native');
      assert.equal(
        shareOf(native, ({ isNamed }) => isNamed),
        0,
      );
      const isKept = ({ address, buildId, moduleName }: ReportedFrame): boolean =>
        address !== 0n && moduleName !== '' && (typeof buildId === 'string' || moduleName === '[vdso]');
      assert.equal(shareOf(native, isKept), 1);
    });

    if (recording === 'python') {
      test('names 99 % of the Python frames, with file and line', () => {
        assert.ok(shareOf(ofType('cpython'), ({ isNamed, hasLine }) => isNamed && hasLine) >= 0.99);
      });
    }
    if (recording === 'java') {
      test('names every frame of the Java code cache', () => {
        assert.equal(
          shareOf(ofType('jvm'), ({ isNamed }) => isNamed),
          1,
        );
      });
    }
    if (recording === 'node') {
      test('names every frame of the Node.js perf map', () => {
        assert.equal(
          shareOf(ofType('v8js'), ({ isNamed }) => isNamed),
          1,
        );
      });
    }
  });
}

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ProfilesData } from '../../../src/otlp/profiles-data.ts';
import { decodeProfilesData } from '../../../src/otlp/protobuf/decode-profiles-data.ts';
import { encodeProfilesData } from '../../../src/otlp/protobuf/encode-profiles-data.ts';
import { enrichProfiles } from '../../../src/profile/names/enrich-profiles.ts';
import type { CollectorVersion } from '../../interop/build-collector.ts';
import { startCollector } from '../../interop/collector.ts';
import { realRequests } from '../../otlp/real-requests.ts';
import { ScriptedOtlpServer } from '../../support/otlp-server.ts';
import { SymbolMap } from '../../support/symbol-map.ts';
import { passingProfiles } from '../passing-profiles.ts';
import { GrpcLoad, wireMessage } from './grpc-load.ts';

/** Requests as a real encoder wrote them. */
export interface Payloads {
  /** A real profiler's requests at 97 Hz with a quarter of their samples, as at 24 Hz. */
  readonly small: readonly Uint8Array[];
  /** The same by a Collector of which attributes refer to the string table. */
  readonly referring: readonly Uint8Array[];
  /** Whole requests of a real profiler, in its own bytes. */
  readonly real: readonly Uint8Array[];
  readonly medium: readonly Uint8Array[];
  /** With a text in no use: it cannot pass as it is. */
  readonly untidy: readonly Uint8Array[];
  readonly large: readonly Uint8Array[];
}

export async function createPayloads(): Promise<Payloads> {
  const real = realRequests('profiler');
  const quarters = real.map((bytes) => encodeProfilesData(quarterOf(decodeProfilesData(bytes))));
  const { data } = passingProfiles(2.8);
  const { dictionary } = data;
  const untidy = { ...data, dictionary: { ...dictionary, stringTable: [...dictionary.stringTable, 'of no use'] } };
  const large = encodeProfilesData(passingProfiles(34).data);
  const own = [...quarters, encodeProfilesData(data), encodeProfilesData(untidy), large];
  const [written, referring] = [await writtenByCollector('0.159', own), await writtenByCollector('0.164', quarters)];
  const count = quarters.length;
  return {
    ...{ small: written.slice(0, count), referring, real },
    ...{ medium: [written[count]!], untidy: [written[count + 1]!], large: [written[count + 2]!] },
  };
}

/** Every fourth sample, with as much of the dictionary as they use. */
function quarterOf(data: ProfilesData): ProfilesData {
  const resourceProfiles = data.resourceProfiles.map((resource) => ({
    ...resource,
    scopeProfiles: resource.scopeProfiles.map((scope) => ({
      ...scope,
      profiles: scope.profiles.map((profile) => ({
        ...profile,
        samples: [...profile.samples].filter((_, index) => index % 4 === 0),
      })),
    })),
  }));
  return enrichProfiles({ ...data, resourceProfiles }, new SymbolMap()).data;
}

/** The same messages as a Collector sends them on by OTLP over gRPC; its file exporter would always write references. */
async function writtenByCollector(version: CollectorVersion, messages: readonly Uint8Array[]): Promise<Uint8Array[]> {
  const folder = mkdtempSync(join(tmpdir(), 'framekeeper-payloads-'));
  const receiver = await ScriptedOtlpServer.start();
  try {
    const grpc = { max_recv_msg_size_mib: 16 };
    const collector = await startCollector(folder, { version, grpc, forwardTo: receiver.endpoint });
    const load = await GrpcLoad.connect(collector.ports.grpc);
    for (const message of messages) await load.send(wireMessage(message, false));
    load.close();
    await collector.stop();
    return receiver.requests.map(({ bytes }) => bytes);
  } finally {
    await receiver.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

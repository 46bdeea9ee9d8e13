import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { childConfig } from '../support/child-config.ts';
import type { RunningChild } from '../support/child-process.ts';
import { runChild, waitForHealth } from '../support/child-process.ts';
import { freePorts } from '../support/free-ports.ts';

/** Our service as users run it: a process of its own, with a configuration file. */
export interface Framekeeper {
  /**
   * Sends a recording through it, twenty times as fast as it was made; resolves to how many samples were sent.
   * @throws Error unless all of them were accepted.
   */
  replay(recording: string): Promise<number>;
  /** Stops it, so that the last window is reported. @throws Error unless it ended by itself with code 0. */
  stop(): Promise<void>;
  /** What its file exporters write. */
  readonly files: { readonly json: string; readonly proto: string };
}

const main = join(import.meta.dirname, '../../src/main.ts');

/** Starts the service with its files in `folder` and a Collector to send to; resolves when it is healthy. */
export async function startFramekeeper(folder: string, collectorEndpoint: string): Promise<Framekeeper> {
  const [framesPort, healthPort] = (await freePorts(2)) as [number, number];
  const endpoint = `127.0.0.1:${framesPort}`;
  const files = { json: join(folder, 'sent.jsonl'), proto: join(folder, 'sent.proto') };
  const exporters = {
    'file/json': { path: files.json },
    'file/proto': { path: files.proto, format: 'proto' },
    otlp_grpc: { endpoint: collectorEndpoint, tls: { insecure: true } },
  };
  const document = childConfig({
    receivers: { frames: { protocols: { grpc: { endpoint } } } },
    processors: { symbol_store: {}, reporting_cycle: { interval: '1s' } },
    exporters,
    healthPort,
  });
  const child = await startChild(folder, document, healthPort);
  return {
    files,
    replay: async (recording) => {
      const args = ['replay', '--endpoint', endpoint, '--once', '--speed', '20', recording];
      const replay = runChild(process.execPath, [main, ...args], { folder });
      const code = await replay.ended();
      const told = `${replay.output()}\n${child.output()}`;
      const [, accepted, rejected] = /(\d+) samples sent and accepted, (\d+) rejected/.exec(replay.output()) ?? [];
      if (code !== 0 || accepted === undefined) throw new Error(`replay ended with code ${code}:\n${told}`);
      if (rejected !== '0') throw new Error(`${rejected} samples were rejected:\n${told}`);
      return Number(accepted);
    },
    stop: async () => {
      const code = await child.stop();
      if (code !== 0) throw new Error(`Framekeeper ended with code ${code}:\n${child.output()}`);
    },
  };
}

/** Starts the service from a configuration in `folder`; resolves when it is healthy, and has ended otherwise. */
export async function startChild(folder: string, document: string, healthPort: number): Promise<RunningChild> {
  const config = join(folder, 'framekeeper.yaml');
  writeFileSync(config, document);
  const child = runChild(process.execPath, [main, '--config', config], { folder });
  await waitForHealth(`http://127.0.0.1:${healthPort}/`, child).catch(async (error) => {
    await child.stop();
    throw error;
  });
  return child;
}

import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { GrpcClient } from '../grpc/client.ts';
import type { ClientTls } from '../grpc/client-socket.ts';
import type { Target } from '../grpc/client-target.ts';
import { parseTarget } from '../grpc/client-target.ts';
import type { OutgoingHeaders } from '../grpc/http2/header-codec.ts';
import type { Clock, Random } from '../support/clock.ts';
import { everyInterval } from '../support/clock.ts';
import { messageOf } from '../support/error-text.ts';
import { version } from '../support/version.ts';
import { BatchStream } from './replay/batch-stream.ts';
import type { Recording } from './replay/collected.ts';
import { formatNameShares, nameShares } from './replay/name-shares.ts';
import { bundledRecordingPath, bundledRecordings, readRecording } from './replay/read-recording.ts';
import { ReplayCollector } from './replay/replay-collector.ts';
import type { ReplayOptions } from './replay/replay-options.ts';
import { parseReplayOptions, replayHelp } from './replay/replay-options.ts';
import { replayRecording } from './replay/replay-recording.ts';
import { ReplayTally } from './replay/replay-tally.ts';

/** The part of the process that the command may touch. */
export interface ReplayIo {
  readonly env: NodeJS.ProcessEnv;
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  /** Aborts when the user has had enough; that is a normal end. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * `framekeeper replay`: sends recordings to a service over gRPC.
 * Resolves with the exit code: 0 done or interrupted; 1 the service was not there, refused a batch or took no
 * sample; 2 wrong arguments.
 */
export async function runReplay(args: readonly string[], io: ReplayIo): Promise<number> {
  const parsed = parseReplayOptions(args);
  if (parsed.kind === 'help') {
    io.stdout(replayHelp);
    return 0;
  }
  if (parsed.kind === 'problem') {
    io.stderr(`framekeeper replay: ${parsed.problem}\n`);
    return 2;
  }
  const recordings = readAll(parsed.options, io);
  const security = recordings && readSecurity(parsed.options, io);
  return security === undefined ? 2 : await send(recordings!, parsed.options, security, io);
}

// gRPC's own bound.
const maxResponseBytes = 4 * 1024 * 1024;

interface Security {
  readonly target: Target;
  readonly tls: ClientTls | undefined;
  readonly headers: () => OutgoingHeaders;
}

/** `undefined` when a file cannot be read, after saying so. */
function readSecurity(
  { endpoint, useTls, caFile, isInsecure, headers, tokenFile }: ReplayOptions,
  io: ReplayIo,
): Security | undefined {
  try {
    const ca = caFile === undefined ? undefined : readFileSync(caFile);
    // Before anything is sent: a file that is not there would else be a broken connection.
    if (tokenFile !== undefined) readFileSync(tokenFile);
    return {
      target: parseTarget(endpoint, io.env),
      tls: useTls
        ? { context: createSecureContext(ca && { ca }), rejectUnauthorized: !isInsecure, serverName: '' }
        : undefined,
      headers: () => ({
        ...groupHeaders(headers),
        ...(tokenFile !== undefined && { authorization: `Bearer ${readFileSync(tokenFile, 'utf8').trim()}` }),
      }),
    };
  } catch (error) {
    io.stderr(`framekeeper replay: ${messageOf(error)}\n`);
    return undefined;
  }
}

/** A header may have several values. */
function groupHeaders(headers: readonly (readonly [string, string])[]): Record<string, string[]> {
  const groups = Map.groupBy(headers, ([name]) => name.toLowerCase());
  return Object.fromEntries(Array.from(groups, ([name, pairs]) => [name, pairs.map(([, value]) => value)]));
}

/** `undefined` when one of them cannot be used, after saying so. */
function readAll(
  { recordings: paths, format, time, countedType }: ReplayOptions,
  io: ReplayIo,
): Recording[] | undefined {
  const recordings: Recording[] = [];
  for (const path of paths.length > 0 ? paths : bundledRecordings.map(bundledRecordingPath)) {
    try {
      const recording = readRecording(path, format, countedType);
      if (recording.samples.length === 0) throw new Error(`${path}: has no samples; record for longer.`);
      if (time === 'recorded' && recording.anchorUnixNano === undefined) {
        throw new Error(`${path}: does not say when it was recorded; leave out --time recorded.`);
      }
      recordings.push(recording);
    } catch (error) {
      io.stderr(`framekeeper replay: ${messageOf(error)}\n`);
      return undefined;
    }
  }
  return recordings;
}

async function send(
  recordings: readonly Recording[],
  options: ReplayOptions,
  security: Security,
  io: ReplayIo,
): Promise<number> {
  const print = (line: string): void => io.stderr(`replay: ${line}\n`);
  const tally = new ReplayTally(print);
  // One failure ends them all.
  const failed = new AbortController();
  const signal = AbortSignal.any([io.signal, failed.signal]);
  const client = new GrpcClient({
    ...{ target: security.target, tls: security.tls, authority: '', userAgent: `framekeeper-replay/${version}` },
    ...{ balancer: 'pick_first', waitForReady: false, compressor: undefined, decompressors: new Map() },
    // The stream has pauses of its own between its attempts.
    ...{ keepalive: undefined, maxReconnectBackoffMs: 100, maxResponseBytes, clock: io.clock, random: io.random },
  });
  const progress = showProgress(tally, print, io.clock, signal);
  let problem: Error | undefined;
  await Promise.all(
    recordings.map((recording) =>
      sendOne(recording, { client, tally, options, ...security }, { ...io, signal }, print).catch((error: Error) => {
        if (!signal.aborted) problem = error;
        failed.abort();
      }),
    ),
  );
  failed.abort();
  await progress;
  client.close();
  if (problem !== undefined) {
    io.stderr(`framekeeper replay: ${options.endpoint}: ${problem.message}\n`);
  }
  io.stdout(
    `${tally.summary()}Of the frames sent, the collector can name:\n${formatNameShares(nameShares(recordings))}${formatRemarks(recordings)}`,
  );
  return problem === undefined && tally.isTaken ? 0 : 1;
}

/** All that was left out of the recordings or had to be guessed, most first. */
function formatRemarks(recordings: readonly Recording[]): string {
  return recordings
    .filter(({ remarks }) => remarks.size > 0)
    .map(({ name, remarks }) => {
      const lines = [...remarks].sort(([, a], [, b]) => b - a);
      return `Of ${name}, left out or guessed:\n${lines.map(([reason, count]) => `  ${count.toLocaleString('en').padStart(9)} ${reason}\n`).join('')}`;
    })
    .join('');
}

/** One recording by a collector and a stream of its own. */
async function sendOne(
  recording: Recording,
  { client, tally, options, headers }: { client: GrpcClient; tally: ReplayTally; options: ReplayOptions } & Security,
  io: ReplayIo,
  print: (line: string) => void,
): Promise<void> {
  const { name } = recording;
  const { clock, random, signal } = io;
  const instanceId = Uint8Array.from({ length: 16 }, () => Math.floor(random() * 256));
  const collector = new ReplayCollector(recording, instanceId);
  tally.addCollector(collector.counts);
  const stream = new BatchStream(client, {
    clock,
    random,
    signal,
    headers,
    onReply: (reply) => {
      tally.addReply(name, reply);
      collector.takeReply(reply);
    },
    onRefused: (sequence, sampleCount, reason) => {
      tally.addRefusal(name, sequence, sampleCount, reason);
      collector.takeRefusal(sequence);
    },
    onBroken: (reason, delayMs) => print(`${name}: ${reason}; trying again in ${Math.round(delayMs)} ms`),
  });
  const { speed, isLoop, time } = options;
  const pace = { clock, signal, speed, isLoop, time, onLag: (lagMs: number) => tally.setLag(lagMs) };
  try {
    await replayRecording(recording, collector, stream, pace);
  } finally {
    await stream.close();
  }
}

/** A line a second until `signal` aborts. */
async function showProgress(
  tally: ReplayTally,
  print: (line: string) => void,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const startedMs = clock.nowMs();
  await everyInterval(
    clock,
    signal,
    () => 1_000,
    () => print(tally.progress(clock.nowMs() - startedMs)),
  );
}

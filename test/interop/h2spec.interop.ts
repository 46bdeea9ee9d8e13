import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { childConfig } from '../support/child-config.ts';
import { freePorts } from '../support/free-ports.ts';
import { startChild } from './framekeeper.ts';
import { locatePeers } from './peers.ts';

/**
 * Cases that a server of gRPC cannot satisfy. Requests of h2spec are none of gRPC and get 405 or 415 at once, without a body, so that their stream
 * is closed (RFC 9113, 8.1) before what the case looks at. `test/grpc/frame-rules.test.ts` has the same cases with calls of gRPC.
 */
const excluded: Readonly<Record<string, string>> = {
  'generic/2 Sends a WINDOW_UPDATE frame on half-closed (remote) stream': 'waits for a body',
  'generic/2 Sends a PRIORITY frame on half-closed (remote) stream': 'waits for a body',
  'http2/5.1 closed: Sends a DATA frame after sending RST_STREAM frame': 'answered before the reset',
  'http2/5.1 closed: Sends a HEADERS frame after sending RST_STREAM frame': 'answered before the reset',
  'http2/5.1.2 Sends HEADERS frames that causes their advertised concurrent stream limit to be exceeded':
    'no stream stays open',
  'http2/6.9 Sends a WINDOW_UPDATE frame with a flow control window increment of 0 on a stream': 'answered before it',
  'http2/6.9.1 Sends multiple WINDOW_UPDATE frames increasing the flow control window to above 2^31-1 on a stream':
    'answered before them',
  'http2/8.1 Sends a second HEADERS frame without the END_STREAM flag': 'answered before them',
  'http2/8.1.2.1 Sends a HEADERS frame that contains a pseudo-header field as trailers': 'answered before them',
  'http2/8.1.2.6 Sends a HEADERS frame with the "content-length" header field which does not equal the DATA frame payload length':
    'answered before its data',
  'http2/8.1.2.6 Sends a HEADERS frame with the "content-length" header field which does not equal the sum of the multiple DATA frames payload length':
    'answered before its data',
  'http2/6.5.3 Sends multiple values of SETTINGS_INITIAL_WINDOW_SIZE': 'needs a body',
  'http2/6.9.1 Sends SETTINGS frame to set the initial window size to 1 and sends HEADERS frame': 'needs a body',
  'http2/6.9.2 Changes SETTINGS_INITIAL_WINDOW_SIZE after sending HEADERS frame': 'needs a body',
  'http2/6.9.2 Sends a SETTINGS frame for window size to be negative': 'needs a body',
};

/** Of h2spec 2.2.1, with those that it calls strict. */
const caseCount = 146;

test('h2spec finds that the ports of frames and OTLP keep to the rules of HTTP/2', { timeout: 120_000 }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'framekeeper-h2spec-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const [framesPort, otlpPort, healthPort] = (await freePorts(3)) as [number, number, number];
  const grpcAt = (port: number): object => ({ protocols: { grpc: { endpoint: `127.0.0.1:${port}` } } });
  const document = childConfig({
    receivers: { frames: grpcAt(framesPort), otlp: grpcAt(otlpPort) },
    processors: { symbol_store: {}, reporting_cycle: {} },
    exporters: { file: { path: join(folder, 'sent.jsonl') } },
    healthPort,
  });
  const child = await startChild(folder, document, healthPort);
  t.after(() => child.kill());
  const reports = await Promise.all([framesPort, otlpPort].map((port) => report(port, join(folder, `${port}.xml`))));
  for (const results of reports) {
    assert.equal(results.length, caseCount);
    const failed = results.filter(({ problem }) => problem !== '').map(({ name, problem }) => ({ name, problem }));
    assert.deepEqual(
      failed.filter(({ name }) => !(name in excluded)),
      [],
    );
  }
  assert.equal(await child.stop(), 0);
});

interface Result {
  readonly name: string;
  /** Empty where there is none. */
  readonly problem: string;
}

/** Runs all cases against a port. */
async function report(port: number, file: string): Promise<Result[]> {
  const args = ['--host', '127.0.0.1', '--port', String(port), '--strict', '--timeout', '1', '--junit-report', file];
  // Ends with 1 where any case has failed.
  await new Promise((resolve) => execFile(locatePeers().h2spec, args, resolve));
  const cases = /<testcase package="([^"]*)" classname="([^"]*)" time="[^"]*">(.*?)<\/testcase>/gs;
  return [...readFileSync(file, 'utf8').matchAll(cases)].map(([, section, title, problem]) => ({
    name: `${section} ${title!.replaceAll('&#34;', '"')}`,
    problem: problem!.trim(),
  }));
}

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { PdataVersion } from './peers.ts';
import { locatePeers } from './peers.ts';

/** What the Collector's code made of one message; text of its error when it refused it. */
export type Rendering = { readonly bytes: Buffer } | { readonly error: string };

/**
 * Asks the Collector's own code to write messages in another encoding: `json` from protobuf, `proto` from JSON. Answers
 * are in the order of the messages. `version` is the release of that code.
 */
export async function render(
  message: 'request' | 'response',
  encoding: 'json' | 'proto',
  inputs: readonly (Uint8Array | string)[],
  version: PdataVersion = '0.164',
): Promise<Rendering[]> {
  const child = spawn(locatePeers().pdata[version], [message, encoding], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  for (const input of inputs) {
    const bytes = Buffer.from(input);
    const head = Buffer.alloc(4);
    head.writeUInt32BE(bytes.length);
    child.stdin.write(head);
    child.stdin.write(bytes);
  }
  child.stdin.end();
  const chunks: Buffer[] = [];
  for await (const chunk of child.stdout) chunks.push(chunk as Buffer);
  const [code] = await ended;
  assert.equal(code, 0, 'pdata ended with an error');
  const renderings = readAnswers(Buffer.concat(chunks));
  assert.equal(renderings.length, inputs.length);
  return renderings;
}

/** Like `render`, for messages that the Collector takes. @throws AssertionError when it refuses one. */
export async function renderAll(...args: Parameters<typeof render>): Promise<Buffer[]> {
  const renderings = await render(...args);
  return renderings.map((rendering, i) => {
    assert.ok('bytes' in rendering, `message ${i}: ${JSON.stringify(rendering)}`);
    return rendering.bytes;
  });
}

function readAnswers(output: Buffer): Rendering[] {
  const renderings: Rendering[] = [];
  for (let at = 0; at < output.length; ) {
    const end = at + 5 + output.readUInt32BE(at + 1);
    const bytes = output.subarray(at + 5, end);
    renderings.push(output[at] === 0 ? { bytes } : { error: bytes.toString() });
    at = end;
  }
  return renderings;
}

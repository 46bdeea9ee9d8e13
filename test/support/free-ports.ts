import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Server } from 'node:net';
import { createServer } from 'node:net';

/** Ports of 127.0.0.1 that stay free until the process that asked for them ends, or listens on them. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    block = block === undefined || block.next > block.last ? await claimBlock() : block;
    const port = block.next++;
    if (await isFree(port)) ports.push(port);
  }
  return ports;
}

/**
 * Ports that this process alone hands out. Its first port is listened on until the process ends, which keeps other test processes
 * out of the block; all of it lies below the system's ephemeral ports, from which connections and servers on port 0 take theirs.
 */
interface PortBlock {
  next: number;
  readonly last: number;
}

const portsInBlock = 16;
const lowestPort = 10_000;
const mostAttempts = 10_000;

let block: PortBlock | undefined;

async function claimBlock(): Promise<PortBlock> {
  const blockCount = Math.floor((lowestEphemeralPort() - lowestPort) / portsInBlock);
  for (let attempt = 0; attempt < mostAttempts; attempt++) {
    const first = lowestPort + portsInBlock * Math.floor(Math.random() * blockCount);
    const claim = await listen(first);
    if (claim === undefined) continue;
    claim.unref();
    return { next: first + 1, last: first + portsInBlock - 1 };
  }
  throw new Error(`all ports from ${lowestPort} to ${lowestEphemeralPort()} are in use`);
}

/** 32768 is Linux's default; other systems begin later. */
function lowestEphemeralPort(): number {
  try {
    return Number.parseInt(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8'), 10);
  } catch {
    return 32_768;
  }
}

/** A port in the block may have another program's server. */
async function isFree(port: number): Promise<boolean> {
  const server = await listen(port);
  if (server === undefined) return false;
  await once(server.close(), 'close');
  return true;
}

/** `undefined` when somebody listens there. */
async function listen(port: number): Promise<Server | undefined> {
  const server = createServer();
  try {
    await once(server.listen(port, '127.0.0.1'), 'listening');
    return server;
  } catch {
    return undefined;
  }
}

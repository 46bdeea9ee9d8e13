import type { Collector, LossReason, LostSamples } from '../../model/frame-batch.ts';
import { InvalidMessage } from '../../model/invalid-message.ts';
import type { Spans } from './batch-spans.ts';
import { checkKey } from './read-tables.ts';
import type { ClockAnchor } from './sample-time.ts';
import type { WireReader } from './wire-reader.ts';

const mostResourceAttributes = 64;
const instanceIdSizeBytes = 16;

/** A message that is sent in parts is one message, as protobuf has it: later parts add to earlier ones. */
export function readCollector(reader: WireReader, { bounds, count }: Spans): Collector {
  let instanceId: Uint8Array = new Uint8Array();
  let scopeName = '';
  let scopeVersion = '';
  const resourceAttributes = new Map<string, string>();
  for (let i = 0; i < count; i++) {
    reader.open('collector', -1, bounds[2 * i]!, bounds[2 * i + 1]!);
    while (reader.next()) {
      if (reader.field === 1) instanceId = reader.bytes('instance_id');
      else if (reader.field === 2) addAttribute(reader, resourceAttributes);
      else if (reader.field === 3) scopeName = reader.string('scope_name');
      else if (reader.field === 4) scopeVersion = reader.string('scope_version');
      else reader.skip();
    }
  }
  checkInstanceId(instanceId);
  return { instanceId: Buffer.from(instanceId).toString('hex'), resourceAttributes, scopeName, scopeVersion };
}

/** `undefined` when timestamps are Unix nanoseconds already. */
export function readClock(reader: WireReader, { bounds, count }: Spans): ClockAnchor | undefined {
  let kind = 0;
  let anchorNano = 0n;
  let anchorUnixNano = 0n;
  for (let i = 0; i < count; i++) {
    reader.open('clock', -1, bounds[2 * i]!, bounds[2 * i + 1]!);
    while (reader.next()) {
      if (reader.field === 1) kind = reader.integer('kind');
      else if (reader.field === 2) anchorNano = reader.fixed64('anchor_nano');
      else if (reader.field === 3) anchorUnixNano = reader.fixed64('anchor_unix_nano');
      else reader.skip();
    }
  }
  if (kind === 0) return undefined;
  if (kind > 2) {
    // Unlike a frame kind, a clock cannot be left unknown: every timestamp would be wrong.
    throw new InvalidMessage('batch.clock.kind', `clock ${kind} is not known`, 'send Unix, monotonic or boot time');
  }
  if (anchorUnixNano === 0n) {
    const remedy = 'send the clock and the real time as read at the same moment';
    throw new InvalidMessage('batch.clock.anchor_unix_nano', 'no anchor', remedy);
  }
  return { anchorNano, anchorUnixNano };
}

export function readLostSamples(reader: WireReader, { bounds, count }: Spans): LostSamples[] {
  const lost: LostSamples[] = [];
  for (let i = 0; i < count; i++) {
    let reason = 0;
    let lostCount = 0n;
    reader.open('lost_samples', i, bounds[2 * i]!, bounds[2 * i + 1]!);
    while (reader.next()) {
      if (reader.field === 1) reason = reader.integer('reason');
      else if (reader.field === 2) lostCount = reader.uint64('count');
      else reader.skip();
    }
    if (lostCount > 0n) lost.push({ reason: lossReasons[reason] ?? 'unspecified', count: lostCount });
  }
  return lost;
}

/** By the numbers of `LostSamples.Reason`. */
const lossReasons: readonly LossReason[] = ['unspecified', 'buffer_full', 'unwind_failed', 'queue_full', 'throttled'];

function addAttribute(reader: WireReader, attributes: Map<string, string>): void {
  const outerEnd = reader.enter(`resource_attributes[${attributes.size}]`);
  let key = '';
  let value = '';
  while (reader.next()) {
    if (reader.field === 1) key = reader.string('key');
    else if (reader.field === 2) value = reader.string('value');
    else reader.skip();
  }
  checkKey(reader, key, attributes, mostResourceAttributes);
  reader.leave(outerEnd);
  attributes.set(key, value);
}

function checkInstanceId(id: Uint8Array): void {
  const path = 'batch.collector.instance_id';
  const remedy = 'send 16 random bytes, drawn when the collector starts';
  if (id.length !== instanceIdSizeBytes) throw new InvalidMessage(path, `${id.length} bytes`, remedy);
  if (id.every((byte) => byte === 0)) throw new InvalidMessage(path, 'all bytes are zero', remedy);
}

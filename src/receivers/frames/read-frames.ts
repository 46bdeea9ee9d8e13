// hot
import { frameKinds } from '../../model/frame-kind.ts';
import { InvalidMessage } from '../../model/invalid-message.ts';
import type { FrameArrays } from './batch-columns.ts';
import type { Spans } from './batch-spans.ts';
import type { Place } from './wire.ts';
import { badVarint, endOfVarint, indexError, longVarint, pathOf, skipField, truncated } from './wire.ts';

/** How many entries the tables have that others refer to. */
export interface TableSizes {
  readonly strings: number;
  readonly fileIds: number;
  readonly mappings: number;
  readonly frames: number;
  readonly stacks: number;
  readonly processes: number;
  readonly links: number;
  readonly labelSets: number;
  readonly profileTypes: number;
}

const place: Place = { list: 'frames', fields: ['', 'file_id', 'process', 'address_or_line', 'kind', 'mapping'] };

/** Reads `Frame`s into `columns`, from element 1. Returns how many have a kind that this version does not know. */
export function readFrames(bytes: Uint8Array, spans: Spans, columns: FrameArrays, sizes: TableSizes): number {
  const { bounds, count } = spans;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let unknownKinds = 0;
  for (let i = 0; i < count; i++) {
    let p = bounds[2 * i]!;
    const end = bounds[2 * i + 1]!;
    let fileId = 0;
    let process = 0;
    let kind = 0;
    let mapping = 0;
    let low = 0;
    let high = 0;
    while (p < end) {
      const tag = bytes[p++]!;
      if (tag === addressTag) {
        if (p + 8 > end) throw truncated(pathOf(place, i, 3));
        low = view.getUint32(p, true);
        high = view.getUint32(p + 4, true);
        p += 8;
        continue;
      }
      if ((tag & 7) !== 0 || tag > mappingTag || tag === 0) {
        p = skipField(bytes, p - 1, end, place, i);
        continue;
      }
      let value = bytes[p++]!;
      if (!(value < 128)) {
        value = longVarint(bytes, p - 1, end);
        // A kind may be any number, also one that this version cannot hold: it is unknown then, not a fault.
        if (!(value <= 0xffffffff || (tag === kindTag && value > 0)))
          throw badVarint(pathOf(place, i, tag >>> 3), value);
        p = endOfVarint(bytes, p - 1);
      }
      if (tag === fileIdTag) fileId = value;
      else if (tag === processTag) process = value;
      else if (tag === kindTag) kind = value;
      else mapping = value;
    }
    if (p > end) throw truncated(pathOf(place, i, 0));
    if (fileId > sizes.fileIds) throw indexError(pathOf(place, i, 1), fileId, 0, sizes.fileIds);
    if (process > sizes.processes) throw indexError(pathOf(place, i, 2), process, 0, sizes.processes);
    if (mapping > sizes.mappings) throw indexError(pathOf(place, i, 5), mapping, 0, sizes.mappings);
    if ((fileId === 0) === (process === 0)) throw notOneOwner(i, fileId, process);
    if (!(kind <= lastKind)) {
      kind = frameKinds.unspecified;
      unknownKinds++;
    }
    columns.fileId[i + 1] = fileId;
    columns.process[i + 1] = process;
    columns.addressHigh[i + 1] = high;
    columns.addressLow[i + 1] = low;
    columns.kind[i + 1] = kind;
    columns.mapping[i + 1] = mapping;
  }
  return unknownKinds;
}

const fileIdTag = 1 << 3;
const processTag = 2 << 3;
const addressTag = (3 << 3) | 1;
const kindTag = 4 << 3;
const mappingTag = 5 << 3;
const lastKind = Object.keys(frameKinds).length - 1;

function notOneOwner(index: number, fileId: number, process: number): InvalidMessage {
  const problem = `file_id is ${fileId} and process is ${process}`;
  return new InvalidMessage(pathOf(place, index, 0), problem, 'set exactly one of them');
}

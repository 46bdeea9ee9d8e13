/** Frames of HTTP/2 (RFC 9113, 4 and 6). */
export const frameTypes = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const;

export const flags = { END_STREAM: 1, ACK: 1, END_HEADERS: 4, PADDED: 8, PRIORITY: 32 } as const;

export const settingIds = {
  HEADER_TABLE_SIZE: 1,
  ENABLE_PUSH: 2,
  MAX_CONCURRENT_STREAMS: 3,
  INITIAL_WINDOW_SIZE: 4,
  MAX_FRAME_SIZE: 5,
  MAX_HEADER_LIST_SIZE: 6,
} as const;

export const errorCodes = {
  NO_ERROR: 0,
  PROTOCOL_ERROR: 1,
  FLOW_CONTROL_ERROR: 3,
  STREAM_CLOSED: 5,
  FRAME_SIZE_ERROR: 6,
  REFUSED_STREAM: 7,
  CANCEL: 8,
  COMPRESSION_ERROR: 9,
  ENHANCE_YOUR_CALM: 11,
  INADEQUATE_SECURITY: 12,
} as const;

export const frameHeadBytes = 9;
/** Of a payload, until a peer asks for more. */
export const defaultFrameBytes = 16_384;
/** Of a stream and of a connection, until a peer changes them. */
export const defaultWindowBytes = 65_535;
export const maxWindowBytes: number = 2 ** 31 - 1;

/** First bytes of a client, before its first frame (RFC 9113, 3.4). */
export const preface: Buffer = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

/** A fault of the peer, and the code that the peer is told. */
export class Http2Fault extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** A fault of the peer that ends the connection. */
export function broken(what: string): Http2Fault {
  return new Http2Fault(errorCodes.PROTOCOL_ERROR, what);
}

/** The head of a frame in `target`, at `at`. */
export function writeFrameHead(
  target: Buffer,
  at: number,
  { sizeBytes, type, flags: own = 0, streamId = 0 }: FrameHead,
): void {
  target.writeUIntBE(sizeBytes, at, 3);
  target[at + 3] = type;
  target[at + 4] = own;
  target.writeUInt32BE(streamId, at + 5);
}

export interface FrameHead {
  readonly sizeBytes: number;
  readonly type: number;
  readonly flags?: number;
  /** 0 is the connection. */
  readonly streamId?: number;
}

/** A short frame in one piece. */
export function frameOf(head: Omit<FrameHead, 'sizeBytes'>, payload: Uint8Array = noPayload): Buffer {
  const frame = Buffer.allocUnsafe(frameHeadBytes + payload.length);
  writeFrameHead(frame, 0, { ...head, sizeBytes: payload.length });
  frame.set(payload, frameHeadBytes);
  return frame;
}

/** A frame whose payload is one number of 32 bits. */
export function numberFrame(type: number, streamId: number, value: number): Buffer {
  const payload = Buffer.allocUnsafe(4);
  payload.writeUInt32BE(value);
  return frameOf({ type, streamId }, payload);
}

/** Settings by their IDs. */
export function settingsFrame(settings: readonly (readonly [id: number, value: number])[]): Buffer {
  const payload = Buffer.allocUnsafe(6 * settings.length);
  for (const [index, [id, value]] of settings.entries()) {
    payload.writeUInt16BE(id, 6 * index);
    payload.writeUInt32BE(value, 6 * index + 2);
  }
  return frameOf({ type: frameTypes.SETTINGS }, payload);
}

const noPayload = new Uint8Array(0);

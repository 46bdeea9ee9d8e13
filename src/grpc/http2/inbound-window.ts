import { maxWindowBytes } from './frames.ts';

/** Bytes that the peer may still send, on a stream or on a connection, and those of which it is to be told that there is room again. */
export class InboundWindow {
  readonly #sizeBytes: number;
  #leftBytes: number;
  #untoldBytes = 0;

  /** `leftBytes`: more than the size where the peer does not know that yet. */
  constructor(sizeBytes: number, leftBytes: number = sizeBytes) {
    this.#sizeBytes = sizeBytes;
    this.#leftBytes = Math.min(leftBytes, maxWindowBytes);
  }

  /** False where so many bytes are more than the peer may send. */
  receive(bytes: number): boolean {
    this.#leftBytes -= bytes;
    return this.#leftBytes >= 0;
  }

  /**
   * Notes that there is room for so many bytes again. The result is by how much the window is to be widened now: the peer is told of what
   * is half of a window.
   */
  consume(bytes: number): number {
    this.#untoldBytes += bytes;
    if (2 * this.#untoldBytes < this.#sizeBytes) return 0;
    const told = this.#untoldBytes;
    this.#untoldBytes = 0;
    this.#leftBytes += told;
    return told;
  }
}

/**
 * The window of a connection. Bytes that wait in its streams count as taken, so that one stream whose reader pauses does not stop the
 * others, up to a bound: behind that, room comes with what readers take.
 */
export class SharedWindow {
  readonly #window: InboundWindow;
  readonly #mostWaitingBytes: number;
  #waitingBytes = 0;
  /** Bytes that have come and for which there is no room again yet. */
  #owedBytes = 0;

  constructor(sizeBytes: number, mostWaitingBytes: number) {
    this.#window = new InboundWindow(sizeBytes);
    this.#mostWaitingBytes = mostWaitingBytes;
  }

  /** False where so many bytes are more than the peer may send. Those that will wait are told by `wait`, before `settle` is called. */
  receive(bytes: number): boolean {
    this.#owedBytes += bytes;
    return this.#window.receive(bytes);
  }

  /** Notes that so many bytes more wait; less where the number is less than nothing. */
  wait(bytes: number): void {
    this.#waitingBytes += bytes;
  }

  /** By how much the window is to be widened now. */
  settle(): number {
    const owedBytes = Math.max(0, this.#waitingBytes - this.#mostWaitingBytes);
    const room = this.#owedBytes - owedBytes;
    if (room <= 0) return 0;
    this.#owedBytes = owedBytes;
    return this.#window.consume(room);
  }
}

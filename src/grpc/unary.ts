// hot
import type { Headers } from './http2/header-codec.ts';
import type { CallHandler, Method, ServerCall } from './server-call.ts';
import type { GrpcStatus } from './status.ts';
import { status } from './status.ts';

/** The bytes of a reply, or the status of a call without one. */
export type Reply = Uint8Array | GrpcStatus;

/** A call with one message each way. */
export interface UnaryCall {
  readonly headers: Headers;
  /** Connection that the call came by. */
  readonly connection: object;
  /** Called when nobody waits for the reply any more. */
  onCancelled: (() => void) | undefined;
  /** Gives the memory of the message back: nobody may read it any more. Not to be called where somebody still has it. */
  readonly release: () => void;
}

/** Never keeps a hold on `message` longer than it needs it: a reply may take long. */
type Answer = (message: Buffer, call: UnaryCall) => Reply | Promise<Reply>;

/** A method with one message each way. A throw, or a rejection, is a bug and answered with INTERNAL. */
export function unaryMethod(answer: Answer): Method {
  return (call) => new UnaryHandler(call, answer);
}

class UnaryHandler implements CallHandler {
  readonly #call: ServerCall;
  readonly #answer: Answer;
  #message: Buffer | undefined;
  /** Until the reply: a handler lives for as long as its stream, which only a collection of the whole heap frees. */
  #open: UnaryCall | undefined;

  constructor(call: ServerCall, answer: Answer) {
    this.#call = call;
    this.#answer = answer;
  }

  onMessage(message: Buffer): void {
    if (this.#message !== undefined) {
      this.#call.end({ code: status.UNIMPLEMENTED, details: 'a unary call has one message, and here is another' });
    } else this.#message = message;
  }

  onHalfClose(): void {
    const message = this.#message;
    if (message === undefined) {
      this.#call.end({ code: status.UNIMPLEMENTED, details: 'a unary call has one message, and here is none' });
      return;
    }
    this.#message = undefined;
    const { headers, connection } = this.#call;
    this.#open = { headers, connection, onCancelled: undefined, release: this.#call.releaseOf(message) };
    const reply = this.#answer(message, this.#open);
    if (reply instanceof Promise) {
      const endWork = this.#call.work();
      reply.then(
        (late) => {
          endWork();
          this.#reply(late);
        },
        (error) => {
          endWork();
          this.#call.fail(error);
        },
      );
    } else this.#reply(reply);
  }

  onCancel(): void {
    this.#open?.onCancelled?.();
  }

  #reply(reply: Reply): void {
    this.#open = undefined;
    if (reply instanceof Uint8Array) this.#call.finish(reply);
    else this.#call.end(reply);
  }
}

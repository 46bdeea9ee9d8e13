import type { Meter } from '@opentelemetry/api';
import type { Logger } from 'pino';
import type { CallHandler, ServerCall } from '../../grpc/server-call.ts';
import type { GrpcStatus } from '../../grpc/status.ts';
import { status } from '../../grpc/status.ts';
import type { UnaryCall } from '../../grpc/unary.ts';
import { unaryMethod } from '../../grpc/unary.ts';
import type { Admission, AdmissionRefusal } from '../../model/admission.ts';
import { InvalidMessage } from '../../model/invalid-message.ts';
import type { ConnectJournal } from '../../model/request-journal.ts';
import type { Clock } from '../../support/clock.ts';
import { messageOf } from '../../support/error-text.ts';
import type { RecordEvent } from '../../support/events.ts';
import { createEvents, warningIntervalMs } from '../../support/events.ts';
import type { Component } from '../../support/lifecycle.ts';
import type { GrpcServer } from '../grpc-server.ts';
import { grpcListener } from '../grpc-server-config.ts';
import type { ReceiverType } from '../receiver-type.ts';
import { grpcStatusOf } from '../rpc-status.ts';
import type { FrameSink } from './batch-intake.ts';
import { BatchIntake } from './batch-intake.ts';
import { FramesMetrics } from './frames-metrics.ts';
import type { FramesReceiverConfig } from './frames-receiver-config.ts';
import { framesReceiverTable } from './frames-receiver-config.ts';
import type { TextRepairs } from './wire-reader.ts';

export interface FramesReceiverDependencies {
  /** May be shared with other receivers; not started yet. */
  readonly server: GrpcServer;
  readonly sink: FrameSink;
  readonly admission: Admission;
  /** `undefined`: what was taken and not yet reported goes with the process. */
  readonly connectJournal?: ConnectJournal | undefined;
  readonly clock: Clock;
  readonly meter: Meter;
  readonly logger: Logger;
}

const framesServiceName = 'framekeeper.frames.v1.FramesService';

/** A client may leave so many replies of a stream unread before no more of its batches are read. */
const mostUnreadReplies = 4;
// Made-up instances must not fill the memory or the log; the counter goes on.
const mostToldInstances = 256;

const stopping = grpcStatusOf({ code: status.UNAVAILABLE, message: 'the service stops; send the batch again later' });

/** Takes raw frame samples by gRPC, unary and as streams, and hands them on. */
export class FramesReceiver implements Component {
  readonly id: string;
  readonly #server: GrpcServer;
  readonly #admission: Admission;
  readonly #intake: BatchIntake;
  readonly #metrics: FramesMetrics;
  readonly #tellInvalid: RecordEvent;
  readonly #logger: Logger;
  /** Open streams; one waits while its last batch is in work. */
  readonly #streams = new Map<ServerCall, { readonly isWaiting: boolean }>();
  readonly #toldInstances = new Set<string>();
  #isStopping = false;

  constructor(id: string, config: FramesReceiverConfig, dependencies: FramesReceiverDependencies) {
    const { server, sink, admission, connectJournal, clock, meter, logger } = dependencies;
    this.id = id;
    this.#server = server;
    this.#admission = admission;
    this.#logger = logger;
    this.#metrics = new FramesMetrics(meter, id);
    const line = {
      level: 'warn',
      message: 'Refused a batch that is not valid.',
      intervalMs: warningIntervalMs,
    } as const;
    this.#tellInvalid = createEvents({ meter, logger, clock }, {})({ line });
    this.#intake = new BatchIntake(config.timeBounds, {
      sink,
      clock,
      metrics: this.#metrics,
      connectJournal,
      onRepairedTexts: (instanceId, repairs) => this.#tellRepairedTexts(instanceId, repairs),
    });
    server.add({
      name: framesServiceName,
      methods: {
        Submit: unaryMethod((message, call) => {
          const caller = { isGone: false };
          call.onCancelled = () => {
            caller.isGone = true;
          };
          return this.#answer(message, call, caller);
        }),
        Stream: (call) => this.#stream(call),
      },
      onMessageTooLarge: (limit) => this.#refuseTooLarge(`receivers.${id}.protocols.grpc.${limit}`),
      endCalls: () => this.#endCalls(),
    });
  }

  async start(): Promise<void> {
    try {
      await this.#server.start();
    } catch (error) {
      throw new Error(`receivers.${this.id}.protocols.grpc.${messageOf(error)}`, { cause: error });
    }
  }

  /** Answers what has arrived, refuses what comes, and closes the connections. */
  async stop(deadline: AbortSignal): Promise<void> {
    await this.#server.stop(deadline);
  }

  #stream(call: ServerCall): CallHandler {
    const stream = { isWaiting: false, isGone: false };
    if (this.#isStopping) call.end(stopping);
    else {
      this.#streams.set(call, stream);
      this.#metrics.openStreams.add(1);
    }
    let unreadReplies = 0;
    const resume = (): void => {
      if (unreadReplies < mostUnreadReplies && !stream.isWaiting) call.resume();
    };
    const onSent = (): void => {
      unreadReplies--;
      resume();
    };
    const reply = (answer: Buffer | GrpcStatus): void => {
      if (!Buffer.isBuffer(answer)) {
        this.#forget(call);
        call.end(answer);
        return;
      }
      unreadReplies++;
      if (unreadReplies >= mostUnreadReplies) call.pause();
      call.send(answer, onSent);
    };
    const replyLate = (answer: Buffer | GrpcStatus): void => {
      stream.isWaiting = false;
      reply(answer);
      if (this.#isStopping) this.#end(call);
      else resume();
    };
    return {
      onMessage: (message) => {
        const answer = this.#answer(
          message,
          { connection: call.connection, release: () => call.release(message) },
          stream,
        );
        if (!(answer instanceof Promise)) return reply(answer);
        // Replies come in the order of their batches: the next batch is read when this one is answered.
        stream.isWaiting = true;
        call.pause();
        answer.finally(call.work()).then(replyLate, (error) => call.fail(error));
      },
      onHalfClose: () => {
        this.#forget(call);
        call.end();
      },
      // A client that leaves: its connection broke, or it cancelled. Whole batches were taken, of others nothing was or will be.
      onCancel: () => {
        stream.isGone = true;
        this.#forget(call);
      },
    };
  }

  #forget(call: ServerCall): void {
    if (this.#streams.delete(call)) this.#metrics.openStreams.add(-1);
  }

  #end(call: ServerCall): void {
    this.#forget(call);
    call.end(stopping);
  }

  /** The bytes of the reply, or the reason why there is none. The memory of the message is given back: a decoded batch has none of it. */
  #answer(
    message: Buffer,
    call: Pick<UnaryCall, 'connection' | 'release'>,
    caller: { readonly isGone: boolean },
  ): Buffer | GrpcStatus | Promise<Buffer | GrpcStatus> {
    const answer = this.#takeBatch(message, call.connection, caller);
    if (answer instanceof Promise) return answer.finally(call.release);
    call.release();
    return answer;
  }

  #takeBatch(
    message: Buffer,
    connection: object,
    caller: { readonly isGone: boolean },
  ): Buffer | GrpcStatus | Promise<Buffer | GrpcStatus> {
    if (this.#isStopping) {
      this.#metrics.countRefused('stopping', 0);
      return stopping;
    }
    const notAdmitted = this.#admission();
    if (notAdmitted !== undefined) {
      this.#metrics.countRefused('not_admitted', 0);
      return statusOf(notAdmitted);
    }
    try {
      const answer = this.#intake.take(message, connection, caller);
      if (!(answer instanceof Promise)) return Buffer.isBuffer(answer) ? answer : statusOf(answer);
      return answer.then(
        (late) => (Buffer.isBuffer(late) ? late : statusOf(late)),
        (error) => this.#statusOfFailure(error),
      );
    } catch (error) {
      return this.#statusOfFailure(error);
    }
  }

  #statusOfFailure(error: unknown): GrpcStatus {
    if (error instanceof InvalidMessage) {
      this.#warn(error);
      return grpcStatusOf({ code: status.INVALID_ARGUMENT, message: error.message });
    }
    this.#logger.error({ err: error }, 'Could not handle a batch because of a fault of this service.');
    const message = 'the service failed to handle the batch; its log says why';
    return grpcStatusOf({ code: status.INTERNAL, message });
  }

  /** Once an instance: its texts will be so in each batch. */
  #tellRepairedTexts(instanceId: string, { mendedCount, cutCount }: TextRepairs): void {
    if (this.#toldInstances.has(instanceId) || this.#toldInstances.size >= mostToldInstances) return;
    this.#toldInstances.add(instanceId);
    const fields = { instance_id: instanceId, not_utf8: mendedCount, too_long: cutCount };
    this.#logger.warn(fields, 'Texts of this collector are not UTF-8 or too long; they were mended or cut.');
  }

  /** Counted as one sample: how many it had nobody knows. */
  #refuseTooLarge(limit: string): void {
    this.#metrics.countRefused('too_large', 1);
    this.#warn(new InvalidMessage('', `the message is larger than ${limit}`, 'raise that, or split the batch'));
  }

  #warn({ path, problem, remedy }: InvalidMessage): void {
    this.#tellInvalid({ fields: { path, problem, remedy } });
  }

  #endCalls(): void {
    this.#isStopping = true;
    for (const [call, { isWaiting }] of this.#streams) if (!isWaiting) this.#end(call);
  }
}

function statusOf({ reason, retryDelayMs }: AdmissionRefusal): GrpcStatus {
  return grpcStatusOf({ code: status.RESOURCE_EXHAUSTED, message: reason, retryAfterMs: retryDelayMs });
}

export const framesReceiverType: ReceiverType<FramesReceiverConfig> = {
  kind: 'receiver',
  type: 'frames',
  aliases: [],
  stability: 'alpha',
  table: framesReceiverTable,
  listens: ({ grpc }) => [grpcListener('protocols.grpc', grpc)],
  create: (id, config, { entry, grpcServers, guardOf: _, ...parts }) => {
    // A configuration with this receiver and no reporting cycle behind it has been refused.
    if (entry.frames === undefined) throw new TypeError(`${id}: there is no reporting cycle`);
    const server = grpcServers.at(config.grpc);
    const component = new FramesReceiver(id, config, { server, ...entry.frames, ...parts });
    return { component, ports: new Map([['grpc', () => server.port]]) };
  },
};

import { getHeapStatistics } from 'node:v8';
import { encodeProfilesJson } from '../otlp/json/encode-profiles-json.ts';
import type { SampleFilter } from '../otlp/resource-edit.ts';
import type { DialectName, DialectOptions } from '../profile/dialects/dialect.ts';
import { keyOfTypes } from '../profile/resources/filter-samples.ts';
import { BytesThread, decodingHeapMib, mostWaitingBytes } from '../support/bytes-thread.ts';
import type { Clock } from '../support/clock.ts';
import { threadModule } from '../support/program-files.ts';
import { WorkQueue } from '../support/steps.ts';
import type { DialectRequest, ExportRequest } from './export-request.ts';
import { createEncodedRequest } from './export-request.ts';
import type { ExportReply, ExportTask, PartsReply, PlainFilter, WholeReply } from './export-thread.ts';

const idleMs = 10_000;

/**
 * Rewrites large requests of its owner in a thread: to decode, change and encode 26 MiB takes seconds, and the loop would stop for
 * as long. Each result is `undefined` when the thread has not managed it.
 */
export class LargeRequests {
  readonly #thread: BytesThread<ExportTask, ExportReply>;
  readonly #work: WorkQueue;

  constructor(clock: Clock) {
    const maxHeapMib = decodingHeapMib(getHeapStatistics().heap_size_limit);
    this.#work = new WorkQueue(clock);
    this.#thread = new BytesThread(threadModule('exporters/export-thread'), { idleMs, maxHeapMib }, clock, this.#work);
  }

  /** True while so much waits for the thread that no request should be added that may come again. */
  get isBusy(): boolean {
    return this.#thread.waitingBytes > mostWaitingBytes;
  }

  async split(task: Omit<ExportTask & { kind: 'split' }, 'kind'>): Promise<PartsReply | undefined> {
    return (await this.#ask({ kind: 'split', ...task })) as PartsReply | undefined;
  }

  /** One request of all, or parts of it. */
  async batch(task: Omit<ExportTask & { kind: 'batch' }, 'kind'>): Promise<PartsReply | WholeReply | undefined> {
    return (await this.#ask({ kind: 'batch', ...task })) as PartsReply | WholeReply | undefined;
  }

  async inDialect(
    request: ExportRequest,
    dialect: DialectName,
    options: DialectOptions,
  ): Promise<DialectRequest | undefined> {
    const reply = await this.#ask({ kind: 'dialect', requests: [request.encoded()], dialect, options });
    if (reply?.kind !== 'whole') return undefined;
    const { bytes, sampleCount, droppedSamples, droppedLabels } = reply;
    return { request: createEncodedRequest(bytes, sampleCount, request.hops), droppedSamples, droppedLabels };
  }

  /** The request without the samples that the filters drop, by resource, and what each filter dropped. */
  async filter(
    bytes: Uint8Array,
    filters: readonly (readonly SampleFilter[] | undefined)[],
  ): Promise<WholeReply | undefined> {
    const asksTypes = filters.some((own) => own?.some(({ keepsStack }) => keepsStack !== undefined));
    const found = asksTypes ? await this.#ask({ kind: 'types', requests: [bytes] }) : noTypes;
    if (found?.kind !== 'types') return undefined;
    const plain = filters.map((own) => own?.map((filter) => withoutFunctions(filter, found.types)));
    return (await this.#ask({ kind: 'filter', requests: [bytes], filters: plain })) as WholeReply | undefined;
  }

  /** The request with each function twice, or as JSON. */
  async written(kind: 'twice' | 'json', request: ExportRequest): Promise<Uint8Array | undefined> {
    await this.#work.add(request.encode());
    const reply = (await this.#ask({ kind, requests: [request.encoded()] })) as WholeReply | undefined;
    return reply?.bytes;
  }

  async stop(): Promise<void> {
    await this.#thread.stop();
  }

  async #ask(task: ExportTask): Promise<ExportReply | undefined> {
    const answer = await this.#thread.ask(task.requests, (requests) => ({ ...task, requests }) as ExportTask);
    return answer.kind === 'replied' ? answer.reply : undefined;
  }
}

/** A share of the samples is kept whatever their frames are. */
const noTypes: ExportReply = { kind: 'types', types: [] };

function withoutFunctions(
  { by, keepsStack, share = 1 }: SampleFilter,
  types: readonly (readonly string[])[],
): PlainFilter {
  const dropped = keepsStack === undefined ? [] : types.filter((each) => !keepsStack(new Set(each)));
  return { by, dropsTypes: new Set(dropped.map(keyOfTypes)), share };
}

/** A request as JSON: of a large one by the thread, and here where that has not managed it. */
export async function jsonOf(request: ExportRequest, large: Pick<LargeRequests, 'written'>): Promise<Uint8Array> {
  const written = request.isLarge ? await large.written('json', request) : undefined;
  return written ?? Buffer.from(encodeProfilesJson(request.data));
}

import type { DictionaryTables, KeyValue, Profile, ProfilesData, Sample } from '../../otlp/profiles-data.ts';
import { noBytes, noElements } from '../../otlp/profiles-data.ts';
import { attributeNames } from '../attribute-names.ts';
import type { HistoryDictionary, LabelSet } from './history-dictionary.ts';
import { remember } from './history-dictionary.ts';
import type { HistoryFrame, HistoryType } from './history-frame.ts';
import type { GroupedStacks, SelectedBuckets } from './selection.ts';
import type { WorkSlices } from './work-slices.ts';

// Writing formats is one piece of work: more stacks than this would hold the event loop for seconds.
const maxStacks = 30_000;

/** Profiles, and the values of the smallest stacks, which found no room. */
export interface HistoryProfiles {
  readonly data: ProfilesData;
  readonly omittedStacks: number;
}

/**
 * A selection as OTLP, with a resource for each process. `stacks` are grouped by label set. Every frame is a location of its own, so that
 * inlined functions are callees like others. At most 30,000 stacks, the largest.
 */
export async function profilesOfHistory(
  dictionary: HistoryDictionary,
  { values }: GroupedStacks,
  type: HistoryType,
  range: SelectedBuckets,
  slices: WorkSlices,
): Promise<HistoryProfiles> {
  const tables = new ProfileTables(dictionary);
  const entries = [...values];
  if (entries.length > maxStacks) entries.sort((a, b) => b[1] - a[1]);
  const resources = new Map<string, { attributes: KeyValue[]; samples: Sample[] }>();
  for (const [step, [key, value]] of entries.slice(0, maxStacks).entries()) {
    if (step % 256 === 0) await slices.breathe();
    const labels = dictionary.labelSetAt(Math.floor(key / 2 ** 32));
    const attributes = resourceAttributes(labels);
    const name = JSON.stringify(attributes.map((each) => [each.key, String(each.value)]));
    const resource = resources.get(name) ?? { attributes, samples: [] };
    resources.set(name, resource);
    resource.samples.push({
      stackIndex: tables.stack(key % 2 ** 32),
      attributeIndices:
        labels.thread === '' ? noElements : [tables.attribute(attributeNames.threadName, labels.thread)],
      linkIndex: 0,
      values: [BigInt(Math.round(value))],
      timestampsUnixNano: noElements,
    });
  }
  const profile = tables.profile(type, range);
  const resourceProfiles = [...resources.values()].map(({ attributes, samples }) => ({
    resource: { attributes, droppedAttributesCount: 0 },
    scopeProfiles: [
      {
        scope: { name: 'framekeeper', version: '', attributes: [], droppedAttributesCount: 0 },
        profiles: [{ ...profile, samples }],
        schemaUrl: '',
      },
    ],
    schemaUrl: '',
  }));
  const omittedStacks = Math.max(0, entries.length - maxStacks);
  return { data: { resourceProfiles, dictionary: tables.dictionary }, omittedStacks };
}

function resourceAttributes({ service, process, container, host, executable }: LabelSet): KeyValue[] {
  const isPath = executable.includes('/');
  const texts = [
    [attributeNames.serviceName, service],
    [attributeNames.containerId, container],
    ['host.name', host],
    [isPath ? attributeNames.processExecutablePath : attributeNames.processExecutableName, executable],
  ] as const;
  const attributes: KeyValue[] = texts.flatMap(([key, value]) => (value === '' ? [] : [{ key, value }]));
  if (/^\d{1,10}$/.test(process)) attributes.push({ key: attributeNames.processPid, value: BigInt(process) });
  return attributes;
}

/** Tables of one request, filled with the needs of its samples. */
class ProfileTables {
  readonly #history: HistoryDictionary;
  readonly #strings = new Map<string, number>([['', 0]]);
  readonly #stringTable = [''];
  readonly #attributes = new Map<string, number>();
  readonly #locations = new Map<number, number>();
  readonly #stacks = new Map<number, number>();
  readonly #mappings = new Map<string, number>();
  readonly dictionary: DictionaryTables;

  constructor(history: HistoryDictionary) {
    this.#history = history;
    this.dictionary = {
      stringTable: this.#stringTable,
      mappingTable: [mapping(0, [])],
      locationTable: [{ mappingIndex: 0, address: 0n, lines: [], attributeIndices: [] }],
      functionTable: [{ nameStrindex: 0, systemNameStrindex: 0, filenameStrindex: 0, startLine: 0n }],
      linkTable: [{ traceId: noBytes, spanId: noBytes }],
      attributeTable: [{ keyStrindex: 0, value: undefined, unitStrindex: 0 }],
      stackTable: [{ locationIndices: [] }],
    };
  }

  profile(type: HistoryType, { startUnixMs, endUnixMs }: SelectedBuckets): Profile {
    const startNano = BigInt(Math.floor(startUnixMs)) * 1_000_000n;
    return {
      sampleType: { typeStrindex: this.#string(type.sampleType), unitStrindex: this.#string(type.sampleUnit) },
      samples: [],
      timeUnixNano: startNano,
      durationNano: BigInt(Math.floor(endUnixMs)) * 1_000_000n - startNano,
      periodType: { typeStrindex: this.#string(type.periodType), unitStrindex: this.#string(type.periodUnit) },
      period: BigInt(Math.round(type.period)),
      profileId: noBytes,
      droppedAttributesCount: 0,
      originalPayloadFormat: '',
      originalPayload: noBytes,
      attributeIndices: noElements,
    };
  }

  attribute(key: string, value: string | boolean): number {
    return remember(this.#attributes, `${key} ${value}`, () => {
      return this.dictionary.attributeTable.push({ keyStrindex: this.#string(key), value, unitStrindex: 0 }) - 1;
    });
  }

  stack(node: number): number {
    if (node === 0) return 0;
    return remember(this.#stacks, node, () => {
      const locationIndices: number[] = [];
      for (let each = node; each !== 0; each = this.#history.stacks.parentOf(each)) {
        locationIndices.push(this.#location(this.#history.stacks.frameOf(each)));
      }
      return this.dictionary.stackTable.push({ locationIndices }) - 1;
    });
  }

  #location(frame: number): number {
    return remember(this.#locations, frame, () => {
      const own = this.#history.frameAt(frame);
      const lines = own.class === 'unresolved' ? [] : [this.#line(own)];
      const attributeIndices = own.type === '' ? [] : [this.attribute(attributeNames.frameType, own.type)];
      const { locationTable } = this.dictionary;
      return (
        locationTable.push({ mappingIndex: this.#mapping(own), address: own.address, lines, attributeIndices }) - 1
      );
    });
  }

  #line({ name, file, line }: HistoryFrame) {
    const startLine = BigInt(Math.trunc(line));
    const entry = {
      nameStrindex: this.#string(name),
      systemNameStrindex: 0,
      filenameStrindex: this.#string(file),
      startLine,
    };
    return { functionIndex: this.dictionary.functionTable.push(entry) - 1, line: startLine, column: 0n };
  }

  #mapping({ module, buildId }: HistoryFrame): number {
    if (module === '') return 0;
    return remember(this.#mappings, `${module}\0${buildId}`, () => {
      // Go's pprof would else ask a service for names that this one does not have.
      const attributeIndices = [this.attribute('pprof.mapping.has_functions', true)];
      if (buildId !== '') attributeIndices.push(this.attribute(attributeNames.gnuBuildId, buildId));
      return this.dictionary.mappingTable.push(mapping(this.#string(module), attributeIndices)) - 1;
    });
  }

  #string(text: string): number {
    return remember(this.#strings, text, () => this.#stringTable.push(text) - 1);
  }
}

function mapping(filenameStrindex: number, attributeIndices: readonly number[]) {
  return { memoryStart: 0n, memoryLimit: 0n, fileOffset: 0n, filenameStrindex, attributeIndices };
}

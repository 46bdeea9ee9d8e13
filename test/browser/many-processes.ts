import type { ProfilesData, Sample } from '../../src/otlp/profiles-data.ts';
import { noBytes, noElements } from '../../src/otlp/profiles-data.ts';
import { mergeProfiles } from '../../src/profile/join/profiles-joiner.ts';

export interface NodeOptions {
  readonly processes: number;
  /** Samples of a cycle. */
  readonly samples: number;
  /** Distinct stacks that a process has. */
  readonly stacks: number;
}

const runtimes = ['jvm', 'v8js', 'cpython', 'native', 'native', 'go', 'native', 'native'] as const;
const words = [
  'read',
  'write',
  'parse',
  'encode',
  'lock',
  'wait',
  'send',
  'poll',
  'hash',
  'merge',
  'scan',
  'sort',
  'flush',
  'copy',
  'route',
  'index',
];
const nouns = [
  'request',
  'buffer',
  'page',
  'queue',
  'socket',
  'record',
  'segment',
  'cache',
  'entry',
  'stream',
  'batch',
  'table',
];

/** Random numbers from a seed: mulberry32. */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Samples of one cycle of a busy node: services of several runtimes with weights by Zipf's law, four processes to a service from the
 * 131st on, kernel and library frames that all share, some frames without a name. Equal for equal arguments.
 */
export function nodeProfiles({ processes, samples, stacks }: NodeOptions, cycle: number): ProfilesData {
  const random = randomOf(cycle + 1);
  const builder = new NodeBuilder();
  const weights = Array.from({ length: processes }, (_, index) => 1 / (index + 1) ** 0.8);
  const sum = weights.reduce((total, weight) => total + weight, 0);
  for (let process = 0; process < processes; process++) {
    const count = Math.max(1, Math.round((samples * weights[process]!) / sum));
    const stackCounts = new Map<number, number>();
    for (let sample = 0; sample < count; sample++) {
      const stack = Math.floor(stacks * random() ** 3);
      stackCounts.set(stack, (stackCounts.get(stack) ?? 0) + 1);
    }
    builder.addProcess(process, processes, stackCounts);
  }
  return mergeProfiles([builder.build(cycle)]);
}

class NodeBuilder {
  readonly #strings = new Map<string, number>([['', 0]]);
  readonly #locations = new Map<string, number>();
  readonly #tables = {
    mappingTable: [
      { memoryStart: 0n, memoryLimit: 0n, fileOffset: 0n, filenameStrindex: 0, attributeIndices: noElements },
    ],
    locationTable: [
      {
        mappingIndex: 0,
        address: 0n,
        lines: [] as { functionIndex: number; line: bigint; column: bigint }[],
        attributeIndices: [] as number[],
      },
    ],
    functionTable: [{ nameStrindex: 0, systemNameStrindex: 0, filenameStrindex: 0, startLine: 0n }],
    linkTable: [{ traceId: noBytes, spanId: noBytes }],
    attributeTable: [{ keyStrindex: 0, value: undefined as string | bigint | undefined, unitStrindex: 0 }],
    stackTable: [{ locationIndices: [] as number[] }],
  };
  readonly #resources: { attributes: { key: string; value: string | bigint }[]; samples: Sample[] }[] = [];

  addProcess(process: number, processes: number, stackCounts: ReadonlyMap<number, number>): void {
    const service = processes > 130 ? process % 130 : process;
    const runtime = runtimes[service % runtimes.length]!;
    const word = `${nouns[service % nouns.length]}-${words[(service * 7) % words.length]}er`;
    const name = service % 3 === 0 ? `unknown_service:${word}-${service}` : `${word}-${service}`;
    const samples: Sample[] = [];
    for (const [stack, count] of stackCounts) {
      const thread = this.#attribute('thread.name', `${word.slice(0, 9)}-${stack % 5}`);
      samples.push({
        stackIndex: this.#stack(runtime, name, service, stack),
        attributeIndices: [thread],
        linkIndex: 0,
        values: [BigInt(count)],
        timestampsUnixNano: noElements,
      });
    }
    const attributes = [
      { key: 'service.name', value: name },
      { key: 'process.pid', value: BigInt(1000 + process) },
      { key: 'container.id', value: `c${(service * 2654435761).toString(16).slice(0, 11)}` },
      { key: 'host.name', value: 'node-7' },
      { key: 'process.executable.path', value: `/opt/${word}/bin/${word}` },
    ];
    this.#resources.push({ attributes, samples });
  }

  build(cycle: number): ProfilesData {
    const valueType = (type: string, unit: string) => ({
      typeStrindex: this.#string(type),
      unitStrindex: this.#string(unit),
    });
    const profile = {
      sampleType: valueType('samples', 'count'),
      timeUnixNano: BigInt(cycle) * 5_000_000_000n,
      durationNano: 5_000_000_000n,
      periodType: valueType('cpu', 'nanoseconds'),
      period: 50_000_000n,
      profileId: noBytes,
      droppedAttributesCount: 0,
      originalPayloadFormat: '',
      originalPayload: noBytes,
      attributeIndices: noElements,
    };
    const scope = { name: 'node', version: '', attributes: noElements, droppedAttributesCount: 0 };
    return {
      resourceProfiles: this.#resources.map(({ attributes, samples }) => ({
        resource: { attributes, droppedAttributesCount: 0 },
        scopeProfiles: [{ scope, profiles: [{ ...profile, samples }], schemaUrl: '' }],
        schemaUrl: '',
      })),
      dictionary: { ...this.#tables, stringTable: [...this.#strings.keys()] },
    };
  }

  /** A stack grows like a tree: its calls depend on the first letters of its number. */
  #stack(runtime: (typeof runtimes)[number], name: string, service: number, stack: number): number {
    const random = randomOf(service * 7919 + (stack % 97));
    const depth = 8 + Math.floor(30 * random());
    const path: number[] = [this.#location('native', 'main', `/opt/${name}/bin/${name}`, '')];
    let state = service;
    for (let level = 1; level < depth; level++) {
      // Stacks of a process part slowly.
      const branch = level < 4 ? 0 : level < 8 ? stack % 3 : level < 14 ? stack % 17 : stack;
      state = (state * 31 + branch + level) % 1_000_003;
      path.push(this.#frame(runtime, name, service, state, level));
    }
    if (stack % 3 === 0) {
      for (const kernel of [
        'entry_SYSCALL_64_after_hwframe',
        'do_syscall_64',
        `__x64_sys_${words[stack % 16]}`,
        `ksys_${nouns[stack % 12]}`,
      ]) {
        path.push(this.#location('kernel', kernel, '', ''));
      }
    }
    return this.#tables.stackTable.push({ locationIndices: path.reverse() }) - 1;
  }

  #frame(runtime: (typeof runtimes)[number], name: string, service: number, state: number, level: number): number {
    const [word, noun] = [words[state % 16]!, nouns[(state >> 4) % 12]!];
    const module = level % 6 === 5 ? '/usr/lib/x86_64-linux-gnu/libc.so.6' : `/opt/${name}/bin/${name}`;
    const number = service < 40 ? state % 60 : state % 12;
    switch (runtime) {
      case 'jvm':
        return this.#location(
          'jvm',
          `void com.example.${noun}.${noun[0]!.toUpperCase()}${noun.slice(1)}Handler${number}.${word}(java.lang.Object)`,
          '',
          `${noun}Handler${number}.java`,
        );
      case 'v8js':
        return this.#location(
          'v8js',
          `${word}${noun[0]!.toUpperCase()}${noun.slice(1)}${number}`,
          '',
          `/srv/app/node_modules/${noun}/lib/${word}.js`,
        );
      case 'cpython':
        return this.#location('cpython', `${noun}_${number}.${word}`, '', `/srv/app/${noun}/${word}.py`);
      case 'go':
        return this.#location(
          'native',
          `github.com/example/${noun}/internal/${word}.(*Worker${number}).${word}`,
          module,
          `/src/${noun}/${word}.go`,
        );
      default:
        return state % 11 === 0
          ? this.#location('native', '', module, '', BigInt(0x1000 + (state % 4096)))
          : this.#location(
              'native',
              `std::${noun}::detail::${word}_impl<${noun}_traits, ${number}>::operator()`,
              module,
              '',
            );
    }
  }

  #location(type: string, name: string, module: string, file: string, address = 0n): number {
    return remember(this.#locations, `${type} ${name} ${module} ${file} ${address}`, () => {
      const { functionTable, mappingTable, locationTable } = this.#tables;
      const mappingIndex =
        module === ''
          ? 0
          : remember(
              this.#locations,
              `module ${module}`,
              () => mappingTable.push({ ...mappingTable[0]!, filenameStrindex: this.#string(module) }) - 1,
            );
      const entry = {
        nameStrindex: this.#string(name),
        systemNameStrindex: 0,
        filenameStrindex: this.#string(file),
        startLine: 0n,
      };
      const lines =
        name === ''
          ? []
          : [{ functionIndex: functionTable.push(entry) - 1, line: BigInt(1 + (name.length % 90)), column: 0n }];
      return (
        locationTable.push({
          mappingIndex,
          address,
          lines,
          attributeIndices: [this.#attribute('profile.frame.type', type)],
        }) - 1
      );
    });
  }

  #attribute(key: string, value: string): number {
    return remember(this.#locations, `attribute ${key} ${value}`, () => {
      return this.#tables.attributeTable.push({ keyStrindex: this.#string(key), value, unitStrindex: 0 }) - 1;
    });
  }

  #string(text: string): number {
    return remember(this.#strings, text, () => this.#strings.size);
  }
}

function remember(known: Map<string, number>, key: string, make: () => number): number {
  let index = known.get(key);
  if (index === undefined) {
    index = make();
    known.set(key, index);
  }
  return index;
}

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { runReplay } from '../../../src/cli/replay.ts';
import { systemClock } from '../../../src/support/clock.ts';
import { Authority, createTlsFolder } from '../../support/certificates.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import type { ReceivedBatch } from './scripted-service.ts';
import { startScriptedService } from './scripted-service.ts';

const folder = mkdtempSync(join(tmpdir(), 'framekeeper-replay-'));
after(() => rmSync(folder, { recursive: true }));

function captured(signal = new AbortController().signal, clock: FakeClock | typeof systemClock = systemClock) {
  const output = { stdout: '', stderr: '' };
  const io = {
    env: {},
    stdout: (text: string) => {
      output.stdout += text;
    },
    stderr: (text: string) => {
      output.stderr += text;
    },
    signal,
    clock,
    random: () => 0.5,
  };
  return { output, io };
}

function sampleCount(batches: readonly ReceivedBatch[]): number {
  return batches.flatMap(({ samples }) => samples).flatMap(({ timestamps }) => timestamps).length;
}

/** Moves a clock on, with room for the network in between, until the promise is settled. */
async function advanceUntil<T>(clock: FakeClock, promise: Promise<T>): Promise<T> {
  let isSettled = false;
  const settled = promise.finally(() => {
    isSettled = true;
  });
  while (!isSettled) {
    await clock.advance(50);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return settled;
}

test('runReplay sends all samples of a recording once, in order, and says what it did', async () => {
  const service = await startScriptedService(() => ({ kind: 'reply' }));
  const { output, io } = captured();
  const code = await runReplay(['java', '--endpoint', service.endpoint, '--once', '--speed', 'max'], io);
  service.stop();
  assert.equal(code, 0, output.stderr);
  assert.equal(sampleCount(service.batches), 753);
  assert.deepEqual(
    service.batches.map(({ sequence }) => sequence),
    service.batches.map((_, index) => `${index + 1}`),
  );
  assert.match(output.stdout, /^753 samples sent and accepted, 0 rejected$/m);
  assert.match(output.stdout, /^ {2}jvm +3,666 frames, 100\.0 % named/m);
});

test('runReplay replays several recordings, each by a collector of its own', async () => {
  const service = await startScriptedService(() => ({ kind: 'reply' }));
  let seed = 0;
  const { io } = captured();
  const random = (): number => {
    seed = (seed + 0.137) % 1;
    return seed;
  };
  const code = await runReplay(['--endpoint', service.endpoint, '--once', '--speed', 'max'], { ...io, random });
  service.stop();
  assert.equal(code, 0);
  assert.equal(sampleCount(service.batches), 933 + 753 + 557 + 285 + 884);
  const instances = new Set(service.batches.map(({ collector }) => Buffer.from(collector.instanceId).toString('hex')));
  assert.equal(instances.size, 5);
});

test('runReplay sends a name again that the service asks for, even after the last sample', async () => {
  const service = await startScriptedService((batch, index) => {
    const frame = batch.frames.find(({ fileId, kind }: { fileId: number; kind: number }) => fileId > 0 && kind === 4);
    // The first batch, and the last one.
    const isAsked = frame !== undefined && (index === 0 || batch.processExits.length > 0);
    const fileId = isAsked ? batch.fileIds.subarray((frame.fileId - 1) * 16, frame.fileId * 16) : undefined;
    const needed = { fileId, addressOrLine: frame?.addressOrLine, kind: frame?.kind };
    return { kind: 'reply', fields: isAsked ? { namesNeeded: [needed] } : {} };
  });
  const { output, io } = captured();
  const code = await runReplay(['python', '--endpoint', service.endpoint, '--once', '--speed', 'max'], io);
  service.stop();
  assert.equal(code, 0);
  assert.match(output.stdout, / 2 sent again because the service asked, 0 asked for and not known here/);
  const { samples, symbols } = service.batches.at(-1)!;
  assert.deepEqual([samples.length, symbols.length], [0, 1]);
});

test('runReplay resumes a broken connection with the same sequence numbers', async () => {
  const service = await startScriptedService((_, index) => {
    if (index === 2) return { kind: 'silence' };
    return index === 4 ? { kind: 'status', code: status.UNAVAILABLE, details: 'going away' } : { kind: 'reply' };
  });
  const { output, io } = captured();
  const code = await runReplay(['kern', '--endpoint', service.endpoint, '--once', '--speed', 'max'], io);
  service.stop();
  assert.equal(code, 0, output.stderr);
  assert.equal(service.callCount(), 2);
  assert.match(output.stderr, /kern: UNAVAILABLE: going away; trying again in \d+ ms/);
  const sequences = service.batches.map(({ sequence }) => Number(sequence));
  // Batches 3 and 5 had no reply; the second call begins with the first of them.
  assert.deepEqual(sequences.slice(0, 8), [1, 2, 3, 4, 5, 3, 5, 6]);
  assert.deepEqual(new Set(sequences).size, sequences.at(-1));
  const [first, again] = service.batches.filter(({ sequence }) => sequence === '3');
  assert.deepEqual(again, first);
});

test('runReplay waits as long as a reply says', async () => {
  const clock = new FakeClock();
  const times: number[] = [];
  const service = await startScriptedService((_, index) => {
    times.push(clock.nowMs());
    return { kind: 'reply', fields: index === 0 ? { retryDelayMs: 60_000 } : {} };
  });
  const { io } = captured(undefined, clock);
  const code = await advanceUntil(clock, runReplay(['c', '--endpoint', service.endpoint, '--once'], io));
  service.stop();
  assert.equal(code, 0);
  // Batches may be under way before the reply arrives; after that, none for the delay.
  const pauses = times.slice(1).map((time, index) => time - times[index]!);
  assert.equal(pauses.filter((pause) => pause > 59_000).length, 1, `${pauses.slice(0, 10)}`);
});

test('runReplay keeps the pace of the recording', async () => {
  const clock = new FakeClock();
  const service = await startScriptedService(() => ({ kind: 'reply' }));
  const { output, io } = captured(undefined, clock);
  const code = await advanceUntil(
    clock,
    runReplay(['c', '--endpoint', service.endpoint, '--once', '--speed', '2'], io),
  );
  service.stop();
  assert.equal(code, 0);
  // 9.8 seconds at twice the speed.
  assert.ok(clock.nowMs() >= 4_400 && clock.nowMs() < 6_000, `${clock.nowMs()} ms`);
  assert.match(output.stderr, /^replay: +\d+ s: \d+ samples and \d+ names sent, 0 names sent again, \d+ ms behind$/m);
  const { clock: anchors, samples } = service.batches.at(-1)!;
  const last = BigInt(samples.at(-1).timestamps[0]) - BigInt(anchors.anchorNano) + BigInt(anchors.anchorUnixNano);
  assert.ok(last <= clock.unixNano() && clock.unixNano() - last < 2_000_000_000n);
});

test('runReplay begins again with --loop and ends with code 0 when interrupted', async () => {
  const interrupt = new AbortController();
  const service = await startScriptedService(() => ({ kind: 'reply' }));
  const { output, io } = captured(interrupt.signal);
  const running = runReplay(['node', '--endpoint', service.endpoint, '--loop', '--speed', 'max'], io);
  await service.until(() => sampleCount(service.batches) > 285 * 2);
  interrupt.abort();
  assert.equal(await running, 0, output.stderr);
  service.stop();
  const starts = new Set(
    service.batches.flatMap(({ processes }) => processes.map((p: ReceivedBatch) => p.startTimeNano)),
  );
  assert.ok(starts.size >= 3, 'each pass has a process of its own');
});

test('runReplay gives up a refused batch, goes on with the next, and ends with code 1', async () => {
  const refusal = { kind: 'status', code: status.INVALID_ARGUMENT, details: 'frames[0].kind: is 99' } as const;
  const service = await startScriptedService(({ sequence }) => (sequence === '2' ? refusal : { kind: 'reply' }));
  const { output, io } = captured();
  const code = await runReplay(['node', '--endpoint', service.endpoint, '--once', '--speed', 'max'], io);
  service.stop();
  assert.equal(code, 1);
  assert.match(output.stderr, /node: batch 2 was refused: INVALID_ARGUMENT: frames\[0\]\.kind: is 99/);
  assert.match(output.stdout, /^1 batches refused, with \d+ samples$/m);
  assert.equal(service.batches.filter(({ sequence }) => sequence === '2').length, 1);
  assert.ok(service.batches.some(({ sequence }) => sequence === '3'));
});

test('runReplay waits as long as a service asks that can take nothing, however often, and loses nothing', async () => {
  const clock = new FakeClock();
  const times: number[] = [];
  const full = { kind: 'status', code: status.RESOURCE_EXHAUSTED, details: 'it is full', retryAfterMs: 4_000 } as const;
  const service = await startScriptedService(({ sequence }) => {
    if (sequence !== '2' || times.length >= 15) return { kind: 'reply' };
    times.push(clock.nowMs());
    return full;
  });
  const { output, io } = captured(undefined, clock);
  const replayed = runReplay(['java', '--endpoint', service.endpoint, '--once', '--speed', 'max'], io);
  assert.equal(await advanceUntil(clock, replayed), 0, output.stderr);
  service.stop();
  assert.equal(times.length, 15);
  for (const [index, timeMs] of times.slice(1).entries()) assert.ok(timeMs - times[index]! >= 4_000, String(times));
  assert.match(output.stdout, /^753 samples sent and accepted, 0 rejected$/m);
});

test('runReplay prints rejections, and no more than ten', async () => {
  const rejections = [{ path: 'samples[0].stack', reason: 'has no frames' }];
  const service = await startScriptedService(() => ({ kind: 'reply', fields: { rejectedSamples: 1, rejections } }));
  const { output, io } = captured();
  await runReplay(['node', '--endpoint', service.endpoint, '--once', '--speed', 'max'], io);
  service.stop();
  assert.equal(output.stderr.match(/node: rejected samples\[0\]\.stack: has no frames/g)?.length, 10);
  assert.match(output.stderr, /further rejections are counted, not printed/);
});

test('runReplay ends with code 1 when nobody listens', async () => {
  const service = await startScriptedService(() => ({ kind: 'reply' }));
  service.stop();
  const clock = new FakeClock();
  const { output, io } = captured(undefined, clock);
  const args = ['node', '--endpoint', service.endpoint, '--once', '--speed', 'max'];
  assert.equal(await advanceUntil(clock, runReplay(args, io)), 1);
  assert.match(output.stderr, /UNAVAILABLE: .*is the service running there\?/);
});

test('runReplay ends with code 1 at once where somebody else listens', async () => {
  const refusal = { kind: 'status', code: status.UNIMPLEMENTED, details: 'unknown service' } as const;
  const service = await startScriptedService(() => refusal);
  const { output, io } = captured();
  assert.equal(await runReplay(['node', '--endpoint', service.endpoint, '--once', '--speed', 'max'], io), 1);
  service.stop();
  assert.equal(service.callCount(), 1);
  assert.match(output.stderr, /UNIMPLEMENTED: unknown service/);
});

test('runReplay ends with code 1 when the service takes no sample', async () => {
  const rejected = { acceptedSamples: 0, rejectedSamples: 1 };
  const service = await startScriptedService(() => ({ kind: 'reply', fields: rejected }));
  const { io } = captured();
  assert.equal(await runReplay(['node', '--endpoint', service.endpoint, '--once', '--speed', 'max'], io), 1);
  service.stop();
});

for (const { name, args, words } of [
  { name: 'an unknown option', args: ['--spede', '2'], words: ['--spede'] },
  { name: 'a recording that is not there', args: ['nowhere'], words: ['nowhere', 'java'] },
  { name: 'recorded time where there is none', args: ['PERF', '--time', 'recorded'], words: ['--time recorded'] },
  { name: 'a damaged recording', args: ['DAMAGED'], words: ['raw.jsonl:2'] },
  { name: 'text without samples', args: ['EMPTY'], words: ['no samples', 'perf script'] },
]) {
  test(`runReplay ends with code 2 for ${name}`, async () => {
    const files = {
      PERF: join(import.meta.dirname, '../../../recordings/c/perf.script.txt'),
      DAMAGED: join(folder, 'raw.jsonl'),
      EMPTY: join(folder, 'empty.txt'),
    };
    writeFileSync(files.DAMAGED, '{"type":"header","mono":1,"real":"2"}\n{"type":"sam');
    writeFileSync(files.EMPTY, '# nothing\n');
    const { output, io } = captured();
    assert.equal(
      await runReplay(
        args.map((arg) => files[arg as keyof typeof files] ?? arg),
        io,
      ),
      2,
    );
    for (const word of words) assert.ok(output.stderr.includes(word), output.stderr);
    assert.equal(output.stdout, '');
  });
}

for (const { name, args, code, problem } of [
  { name: 'its CA and a token', args: ['--ca-file', 'CA', '--token-file', 'TOKEN', '--header', 'x-tenant=a'], code: 0 },
  {
    name: 'trust in any certificate',
    args: ['--insecure', '--token-file', 'TOKEN', '--header', 'x-tenant=a'],
    code: 0,
  },
  { name: 'no CA', args: ['--token-file', 'TOKEN'], code: 1, problem: /--ca-file, or trust any with --insecure/ },
  {
    name: 'no token',
    args: ['--ca-file', 'CA'],
    code: 1,
    problem: /UNAUTHENTICATED: no authorization; .*--token-file/,
  },
  { name: 'a token that is not there', args: ['--token-file', 'nowhere'], code: 2, problem: /nowhere/ },
]) {
  test(`runReplay ${code === 0 ? 'reaches' : 'does not reach'} a secured service with ${name}`, async (t) => {
    const { path, write } = createTlsFolder(t);
    const authority = new Authority();
    write('CA', authority.cert);
    write('TOKEN', 'secret\n');
    const headers = { authorization: 'Bearer secret', 'x-tenant': 'a' };
    const protection = { identity: authority.issue('service'), headers };
    const service = await startScriptedService(() => ({ kind: 'reply' }), 0, protection);
    t.after(() => service.stop());
    const clock = new FakeClock();
    const { output, io } = captured(undefined, clock);
    const files = args.map((arg) => (['CA', 'TOKEN'].includes(arg) ? path(arg) : arg));
    const all = ['kern', '--endpoint', `https://${service.endpoint}`, '--once', '--speed', 'max', ...files];
    assert.equal(await advanceUntil(clock, runReplay(all, io)), code, output.stderr);
    if (problem !== undefined) assert.match(output.stderr, problem);
    else assert.match(output.stdout, /^557 samples sent and accepted/);
  });
}

test('runReplay says sent of nothing that was not accepted', async () => {
  const interrupt = new AbortController();
  const service = await startScriptedService((_, index) => {
    if (index < 2) return { kind: 'reply' };
    // The replies are read by then; what comes after an interrupt is not looked at.
    if (index === 4) setTimeout(() => interrupt.abort(), 100);
    return { kind: 'silence' };
  });
  const { output, io } = captured(interrupt.signal);
  await runReplay(['python', '--endpoint', service.endpoint, '--once', '--speed', 'max'], io);
  service.stop();
  const counts = (batches: readonly ReceivedBatch[]): number[] => [
    sampleCount(batches),
    batches.flatMap(({ symbols, stubs }) => [...symbols, ...stubs]).length,
  ];
  const [samples, names] = counts(service.batches.slice(0, 2));
  assert.match(
    output.stdout,
    new RegExp(`^${samples} samples sent and accepted, 0 rejected\n\\d+ samples without a reply$`, 'm'),
  );
  assert.match(output.stdout, new RegExp(`^${names} names sent,`, 'm'));
});

test('runReplay tells at its end what it left out of a recording, by reason', async () => {
  const service = await startScriptedService(() => ({ kind: 'reply' }));
  const file = join(folder, 'odd.txt');
  writeFileSync(file, 'a 1/1 [000] 1.0:\n\t401000 f (/x)\n\nodd\nodd\n\na 1/1 [000] 1.1:\n\nb 1 cycles:\n');
  const { output, io } = captured();
  await runReplay([file, '--endpoint', service.endpoint, '--once', '--speed', 'max'], io);
  service.stop();
  assert.match(output.stdout, /^1 samples sent and accepted/);
  assert.match(output.stdout, /^Of odd\.txt, left out or guessed:$/m);
  assert.match(output.stdout, /^ +2 lines of unknown form$/m);
  assert.match(output.stdout, /^ +1 samples without a stack \(record with -g/m);
  assert.match(output.stdout, /^ +1 samples without time \(print it/m);
});

test('runReplay shows its help', async () => {
  const { output, io } = captured();
  assert.equal(await runReplay(['--help'], io), 0);
  assert.match(output.stdout, /^framekeeper replay \[RECORDING…\]/);
});

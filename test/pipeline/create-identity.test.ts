import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { encodeProfilesData } from '../../src/otlp/protobuf/encode-profiles-data.ts';
import type { ResourceEditor } from '../../src/otlp/resource-edit.ts';
import { createIdentity } from '../../src/pipeline/create-identity.ts';
import { namesOfStore } from '../../src/pipeline/node-names.ts';
import { PassThrough } from '../../src/pipeline/pass-through.ts';
import type { PipelineParts } from '../../src/pipeline/pipeline.ts';
import { MessageReader } from '../../src/receivers/otlp/message-reader.ts';
import { SymbolStore } from '../../src/symbols/symbol-store.ts';
import { goodProfiles } from '../otlp/good-profiles.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { fakeExporter } from '../support/fake-exporter.ts';
import { recordMetrics } from '../support/metric-recorder.ts';
import { configOf } from '../symbols/store-harness.ts';

test('without a rule that looks anything up, the resources of a request that passes are edited once', () => {
  const { meter } = recordMetrics();
  const clock = new FakeClock();
  const random = (): number => 0.5;
  const parts: PipelineParts = {
    meter,
    clock,
    random,
    logger: pino({ level: 'silent' }),
    createProfileId: () => new Uint8Array(16),
  };
  const { editor } = createIdentity([], parts);
  let edits = 0;
  const counting: ResourceEditor = {
    edit: (resources, context) => {
      edits++;
      return editor.edit(resources, context);
    },
    editInSteps: (resources, context) => editor.editInSteps(resources, context),
    countDropped: () => undefined,
    get foresee() {
      return editor.foresee;
    },
    get settled() {
      return editor.settled;
    },
  };
  const store = new SymbolStore(configOf(), random);
  const exporters = [fakeExporter('debug', () => true)];
  const sink = new PassThrough({ names: namesOfStore(store), editor: counting, exporters, clock, meter });
  const bytes = encodeProfilesData(goodProfiles());
  sink.submit(new MessageReader().read({ encoding: 'protobuf', bytes, isVersionDeclared: true }));
  assert.equal(edits, 1);
  assert.equal(editor.settled, undefined);
});

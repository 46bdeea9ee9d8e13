import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { K8sAttributes } from '../../../src/identity/kubernetes/k8s-attributes.ts';
import { k8sAttributesType } from '../../../src/identity/kubernetes/k8s-attributes-config.ts';
import { ResourceChain } from '../../../src/identity/resource-chain.ts';
import { ResourceDraft } from '../../../src/identity/resource-draft.ts';
import type { AnyValue } from '../../../src/otlp/profiles-data.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { recordLogs } from '../../support/log-recorder.ts';
import { recordMetrics } from '../../support/metric-recorder.ts';
import { fakeHost } from '../fake-host.ts';
import { readProcessor } from '../processor-config.ts';
import { ApiServer } from './api-server.ts';

type Attributes = Record<string, AnyValue>;

/** The processor on a machine of a test, with a clock of its own. */
export function setUp(t: TestContext, yaml: string, files: Record<string, string>) {
  const { config, faults } = readProcessor(k8sAttributesType, yaml);
  assert.deepEqual(faults, []);
  const clock = new FakeClock();
  const { meter, values } = recordMetrics();
  const { logger, lines } = recordLogs();
  const host = fakeHost({ K8S_NODE_NAME: 'node-1' }, files);
  const processor = new K8sAttributes('k8s_attributes', config, { host, clock, random: () => 0.5, meter, logger });
  t.after(() => processor.stop());
  const chain = new ResourceChain([processor], meter);
  const draftOf = (attributes: Attributes): ResourceDraft => {
    const list = Object.entries(attributes).map(([key, value]) => ({ key, value }));
    const draft = new ResourceDraft(list, { isServiceOnSamples: false });
    processor.apply(draft);
    return draft;
  };
  const apply = (attributes: Attributes): Attributes =>
    Object.fromEntries(
      draftOf(attributes)
        .finish()
        .map(({ key, value }) => [key, value]),
    );
  const podOf = (containerId: string): AnyValue => apply({ 'container.id': containerId })['k8s.pod.name'];
  return { processor, chain, clock, apply, draftOf, podOf, lines, values };
}

/** The same beside a server that speaks the Kubernetes API; `more` is more of its configuration. */
export async function startWithServer(t: TestContext, more = '') {
  const server = new ApiServer();
  await server.start(t);
  const files: Record<string, string> = { '/token': 'token-1\n', '/ca.crt': server.authority.cert };
  const yaml = `{api_server: {endpoint: "${server.endpoint}", token_file: /token, ca_file: /ca.crt}, ${more}}`;
  return { server, files, ...setUp(t, yaml, files) };
}

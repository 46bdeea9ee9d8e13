// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references are what this file is about
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkDocument } from '../../src/config/check-document.ts';
import { ConfigError } from '../../src/config/config-error.ts';
import { hideIn } from '../../src/config/hide-expanded.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { componentTypes } from '../../src/service/components.ts';

/** A configuration with the reference in every kind of value, each of them wrong. */
function faultsWith(reference: string, env: Record<string, string>, file = ''): string {
  const yaml = `
receivers: {otlp: {protocols: {grpc: {endpoint: "${reference}"}}}}
processors:
  symbol_store: {max_entries: "${reference}"}
  reporting_cycle: {interval: "${reference}", otlp_profiles: "${reference}"}
exporters:
  otlp_grpc:
    endpoint: "a b${reference}"
    dialect: "x${reference}"
    auth: {authenticator: "${reference}"}
    sending_queue: {storage: "${reference}", enabled: "${reference}", batch: "${reference}"}
    headers: "${reference}"
service:
  pipelines:
    profiles: {receivers: [otlp], processors: [symbol_store, reporting_cycle], exporters: [otlp_grpc, "${reference}"]}
`;
  const readFile = (path: string): string => (path === 'config.yaml' ? yaml : file);
  try {
    const document = loadConfig({ configs: ['config.yaml'], sets: [] }, { env, readFile }, componentTypes);
    checkDocument(document, componentTypes);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return assert.fail('the configuration is wrong');
}

for (const { name, value } of [
  { name: 'a token', value: 'hunter2-and-more' },
  { name: 'a short one', value: 'q7' },
  { name: 'one with quotes and line breaks', value: 'hun"ter\\2\nsecret' },
  { name: 'a number', value: '918273645' },
  { name: 'a map', value: '{token: hunter2-and-more}' },
]) {
  for (const reference of [`\${env:TOKEN}`, `\${TOKEN}`, `\${env:TOKEN:-none}`, `\${file:/run/token}`]) {
    test(`no message about a configuration shows ${name} that came by ${reference}, but the reference`, () => {
      const message = faultsWith(reference, { TOKEN: value }, value);
      for (const secret of [value, 'hunter2', 'hun', 'q7', '918273645']) {
        assert.equal(value.includes(secret) && message.includes(secret), false, message);
      }
      assert.ok(message.split('\n').length >= 6, message);
      assert.ok(message.includes(reference), message);
    });
  }
}

test('a short value stands for itself in the words of other messages', () => {
  const message = faultsWith(`\${env:TOKEN}`, { TOKEN: '1' });
  assert.match(message, /\$\{env:TOKEN\}.*write one of pass_through, merge/);
  assert.match(message, /or "\[::1\]:4317"/);
});

test('a default of a reference is no secret, and the text of one reference in another is left alone', () => {
  const withDefault = { path: 'a', reference: '${env:HOST:-localhost}', text: 'localhost' };
  assert.equal(hideIn('localhost is taken', 'a', [withDefault]), 'localhost is taken');
  const whole = { path: 'a', reference: '${env:A:-${env:B:-localhost}}:4317', text: 'localhost:4317' };
  assert.equal(hideIn('localhost:4317 is taken', 'a', [whole]), 'localhost:4317 is taken');
  const one = { path: 'a', reference: '${env:X:-prefix-secret-one}', text: 'value-of-x' };
  const other = { path: 'a', reference: '${env:Y}', text: 'secret-one' };
  assert.equal(hideIn('value-of-x, secret-one', 'a', [one, other]), '${env:X:-prefix-secret-one}, ${env:Y}');
});

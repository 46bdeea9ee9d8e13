import { choice, section, text } from '../../config/config-keys.ts';
import type { ConfigOf } from '../../config/config-table.ts';
import { configTable } from '../../config/config-table.ts';

const serverTable = configTable({
  title: 'Kubernetes API server',
  about: 'Address and credentials of the API server where they are not those of the service account.',
  keys: {
    endpoint: text(
      'endpoint',
      { fallback: '' },
      'Base address; empty is that of `KUBERNETES_SERVICE_HOST` and `KUBERNETES_SERVICE_PORT`.',
    ),
    tokenFile: text(
      'token_file',
      { fallback: '/var/run/secrets/kubernetes.io/serviceaccount/token' },
      'File with the token, read again for each request: tokens are renewed.',
    ),
    caFile: text(
      'ca_file',
      { fallback: '/var/run/secrets/kubernetes.io/serviceaccount/ca.crt' },
      'File with the certificate authority, read again for each request.',
    ),
  },
  check: ({ endpoint }, own) => {
    if (endpoint === '' || /^https?:$/.test(URL.parse(endpoint)?.protocol ?? '')) return;
    own.addProblem('endpoint', `"${endpoint}" is no HTTP address`, 'write e.g. https://10.0.0.1:6443');
  },
});

/** Keys of whoever asks the API server. */
export const apiServerKeys = {
  authType: choice(
    'auth_type',
    { choices: ['serviceAccount', 'none'], fallback: 'serviceAccount' },
    'Credentials: the token of the service account, or none.',
  ),
  server: section('api_server', serverTable),
};

export type ApiServerConfig = ConfigOf<typeof serverTable>;

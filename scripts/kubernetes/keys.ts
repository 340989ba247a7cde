/** Certificates, keys and kubeconfigs of the one-node cluster, for its programs and for kubectl beside it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { certify, type Signer } from '#kit/testing/certify.ts';

/** The name by which kubeconfigs know the cluster, its user and their context. */
export const CONTEXT = 'sidecar-stacks';

/** The first address of the cluster's Services is that of its API server. */
const SERVICE = '10.96.0.1';

const SERVER = {
  names: ['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc'],
  altNames: [
    { type: 'ip' as const, value: '127.0.0.1' },
    { type: 'ip' as const, value: SERVICE },
  ],
};

/** A kubeconfig of the cluster's administrator. @param server the URL of the API server */
const kubeconfig = (server: string, ca: Signer, admin: Signer): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': CONTEXT,
    contexts: [{ name: CONTEXT, context: { cluster: CONTEXT, user: CONTEXT } }],
    clusters: [{ name: CONTEXT, cluster: { server, 'certificate-authority-data': base64(ca.cert) } }],
    users: [
      {
        name: CONTEXT,
        user: { 'client-certificate-data': base64(admin.cert), 'client-key-data': base64(admin.key) },
      },
    ],
  });

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/**
 * Make them anew.
 * @param folder what is mounted into the node
 * @param outside the kubeconfig for this machine
 * @param port on this machine at which the API server answers
 */
export async function writeKeys(folder: string, outside: string, port: number): Promise<void> {
  const ca = await certify({ ca: true, subject: 'CN=sidecar-stacks', to: 365 });
  const [server, admin, accounts] = await Promise.all([
    certify({ ...SERVER, subject: 'CN=kube-apiserver', to: 365, issuer: ca }),
    certify({ subject: 'CN=admin, O=system:masters', to: 365, issuer: ca }),
    certify({ algorithm: 'rsa' }),
  ]);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const write = (path: string, text: string): void => writeFileSync(path, text, { mode: 0o600 });
  for (const [name, text] of Object.entries({
    'ca.crt': ca.cert,
    'ca.key': ca.key,
    'server.crt': server.cert,
    'server.key': server.key,
    'admin.crt': admin.cert,
    'admin.key': admin.key,
    'accounts.key': accounts.key,
    'admin.conf': kubeconfig('https://127.0.0.1:6443', ca, admin),
  }))
    write(join(folder, name), text);
  write(outside, kubeconfig(`https://127.0.0.1:${port}`, ca, admin));
}

/** An API server of Kubernetes with an etcd of its own, on loopback, for one test file. No node, no controller. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { request } from '#kit/net/http-client.ts';
import { certify } from '#kit/testing/certify.ts';
import { eventually, TerminalState } from '#kit/testing/eventually.ts';
import { freePorts } from '#kit/testing/ports.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { pathOf, type ProgramName } from './binaries.ts';

const TOKEN = 'of-a-test';
const START_MS = 180_000;
const LAST_CHARACTERS = 2000;

export interface ApiObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name?: string; readonly namespace?: string; readonly [key: string]: unknown };
  readonly [key: string]: unknown;
}

export interface Reply {
  readonly status: number;
  /** The object, or a Status that says what is wrong. */
  readonly body: Record<string, any>;
  /** What the server warns of: unknown fields, deprecated versions. */
  readonly warning: string | undefined;
}

export class ApiServer {
  readonly url: string;
  /** Its certificate, PEM. */
  readonly ca: string;
  readonly #programs: readonly ChildProcess[];
  readonly #plurals = new Map<string, string>();

  private constructor(url: string, ca: string, programs: readonly ChildProcess[]) {
    this.url = url;
    this.ca = ca;
    this.#programs = programs;
  }

  /** Start both, and wait until the server answers and the namespace `default` has its service account. */
  static async start(): Promise<ApiServer> {
    const folder = temporaryDirectory('kubernetes');
    const [client, peer, port] = (await freePorts(3)) as [number, number, number];
    const [serving, signing] = await Promise.all([
      certify({ ca: true, altNames: [{ type: 'ip', value: '127.0.0.1' }] }),
      certify({ algorithm: 'rsa' }),
    ]);
    const file = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text, { mode: 0o600 });
      return join(folder, name);
    };
    const signingKey = file('signing.key', signing.key);
    const etcd = `http://127.0.0.1:${client}`;
    const etcdPeer = `http://127.0.0.1:${peer}`;
    const programs: ChildProcess[] = [
      start('etcd', {
        'data-dir': join(folder, 'etcd'),
        'listen-client-urls': etcd,
        'advertise-client-urls': etcd,
        'listen-peer-urls': etcdPeer,
        'initial-advertise-peer-urls': etcdPeer,
        'initial-cluster': `default=${etcdPeer}`,
        'unsafe-no-fsync': 'true',
      }),
      start('kube-apiserver', {
        'etcd-servers': etcd,
        'bind-address': '127.0.0.1',
        'secure-port': String(port),
        'cert-dir': folder,
        'tls-cert-file': file('serving.crt', serving.cert),
        'tls-private-key-file': file('serving.key', serving.key),
        'token-auth-file': file('tokens.csv', `${TOKEN},test,test,system:masters\n`),
        'authorization-mode': 'RBAC',
        'service-account-issuer': 'https://kubernetes.default.svc',
        'service-account-key-file': signingKey,
        'service-account-signing-key-file': signingKey,
        'service-cluster-ip-range': '10.0.0.0/24',
        // A loopback address is none that the Service `kubernetes` could have.
        'endpoint-reconciler-type': 'none',
      }),
    ];
    const server = new ApiServer(`https://127.0.0.1:${port}`, serving.cert, programs);
    await eventually(
      'the API server is ready',
      async () => {
        const ended = programs.find(({ exitCode, signalCode }) => exitCode !== null || signalCode !== null);
        if (ended) throw new TerminalState(`${ended.spawnfile} ended: ${output.get(ended)}`);
        return (await server.call('GET', '/readyz')).status === 200;
      },
      { within: START_MS, every: 200 },
    );
    await eventually('the namespace default has a service account', async () => {
      const account: ApiObject = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } };
      return (await server.apply(account)).status < 300;
    });
    return server;
  }

  /**
   * Server-side apply.
   * @param dryRun everything is done but storing it
   */
  async apply(object: ApiObject, { dryRun = false } = {}): Promise<Reply> {
    const path = `${await this.pathOf(object)}/${object.metadata.name}`;
    const query = `fieldManager=test&force=true&fieldValidation=Strict${dryRun ? '&dryRun=All' : ''}`;
    return await this.call('PATCH', `${path}?${query}`, object, 'application/apply-patch+yaml');
  }

  /** The path of an object's kind, in its namespace where it has one. */
  async pathOf({ apiVersion, kind, metadata: { namespace = 'default' } }: ApiObject): Promise<string> {
    const group = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    const key = `${group} ${kind}`;
    if (!this.#plurals.has(key)) {
      const { body } = await this.call('GET', group);
      for (const { name, kind: each, namespaced } of (body['resources'] ?? []) as Record<string, any>[])
        if (!name.includes('/')) this.#plurals.set(`${group} ${each}`, namespaced ? `namespaces/*/${name}` : name);
    }
    const plural = this.#plurals.get(key);
    if (plural === undefined) throw new Error(`the API server has no ${apiVersion} ${kind}`);
    return `${group}/${plural.replace('*', namespace)}`;
  }

  /** How kubectl reaches it as the cluster's administrator. */
  get kubeconfig(): object {
    const cluster = { server: this.url, 'certificate-authority-data': Buffer.from(this.ca).toString('base64') };
    return {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'test',
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
      clusters: [{ name: 'test', cluster }],
      users: [{ name: 'test', user: { token: TOKEN } }],
    };
  }

  /** One request as the cluster's administrator. */
  async call(method: string, path: string, body?: unknown, type = 'application/json'): Promise<Reply> {
    const answer = await request(this.url + path, {
      method,
      ca: this.ca,
      headers: { Authorization: `Bearer ${TOKEN}`, Accept: 'application/json', 'Content-Type': type },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      timeout: 60_000,
      maxBody: 16 * 1024 * 1024,
    });
    const text = answer.body.toString();
    const { warning } = answer.headers;
    return {
      status: answer.status,
      body: text.startsWith('{') ? JSON.parse(text) : { text },
      warning: warning?.toString(),
    };
  }

  async stop(): Promise<void> {
    // The server first: without its etcd it would wait for it.
    for (const program of this.#programs.toReversed()) {
      if (program.exitCode !== null || program.signalCode !== null) continue;
      program.kill('SIGKILL');
      await once(program, 'exit');
    }
  }
}

const output = new WeakMap<ChildProcess, string>();
const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

function start(program: ProgramName, flags: Readonly<Record<string, string>>): ChildProcess {
  const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
  const child = spawn(pathOf(program), args, { stdio: ['ignore', 'pipe', 'pipe'], env: {} });
  running.add(child);
  child.once('exit', () => running.delete(child));
  const keep = (chunk: Buffer): void =>
    void output.set(child, ((output.get(child) ?? '') + chunk).slice(-LAST_CHARACTERS));
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  return child;
}

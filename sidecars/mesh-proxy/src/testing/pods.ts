/** Pods of containers on a network of their own: what only namespaces show. Engine tests alone use it. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { imageOf } from '#kit/testing/images.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import type { Configuration } from '#mesh/model/configuration.ts';
import { credentialsOf } from './identities.ts';

const run = promisify(execFile);
export const NODE = 'sidecar-stacks/node:26';
export const LABEL = ['--label', 'dev.sidecar-stacks.stack=mesh-test'];
const HARDENED = ['--cap-drop', 'ALL', '--read-only'];
const INIT = [...HARDENED, '--cap-add', 'NET_ADMIN'];
const PROXY_ENVIRONMENT = ['MESH_CONFIG=/mesh/mesh.json', 'MESH_IDENTITY_DIR=/mesh'];

export async function docker(...args: readonly string[]): Promise<string> {
  return (await run('docker', [...args], { timeout: 120_000 })).stdout.trim();
}

/** What a container that ends has written, and its exit code. */
export interface Ended {
  readonly code: number;
  readonly text: string;
}

export async function ended(...args: readonly string[]): Promise<Ended> {
  try {
    return { code: 0, text: await docker('run', '--rm', ...args) };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, text: `${stdout}${stderr}` };
  }
}

export class Pods {
  readonly name = `mesh-test-${randomUUID().slice(0, 8)}`;
  readonly #directory = temporaryDirectory('mesh');
  readonly #containers: string[] = [];
  readonly #init: readonly string[];
  readonly #proxy: readonly string[];

  /** @param environment `NAME=VALUE` for mesh-init, and for the proxy */
  constructor({ init, proxy }: { readonly init: readonly string[]; readonly proxy: readonly string[] }) {
    this.#init = init;
    this.#proxy = [...PROXY_ENVIRONMENT, ...proxy];
  }

  /** @param options of `docker network create` */
  async createNetwork(...options: readonly string[]): Promise<void> {
    await docker('network', 'create', ...LABEL, ...options, this.name);
  }

  /** Remove all of it. */
  async close(): Promise<void> {
    if (this.#containers.length > 0) await docker('rm', '--force', ...this.#containers);
    await docker('network', 'rm', this.name);
  }

  container(name: string): string {
    return `${this.name}-${name}`;
  }
  /** For `--network`: the pod's own. */
  network(pod: string): string {
    return `container:${this.container(pod)}`;
  }

  async start(name: string, ...args: readonly string[]): Promise<void> {
    this.#containers.push(this.container(name));
    await docker('run', '--detach', '--init', '--name', this.container(name), ...LABEL, ...args);
  }

  /** A container that owns a pod's namespaces, and does nothing. @returns its addresses */
  async pod(name: string): Promise<{ readonly ipv4: string; readonly ipv6: string }> {
    await this.start(
      name,
      '--network',
      this.name,
      '--network-alias',
      name,
      '--user',
      '65534',
      NODE,
      'sleep',
      'infinity',
    );
    const format = `{{with index .NetworkSettings.Networks "${this.name}"}}{{.IPAddress}} {{.GlobalIPv6Address}}{{end}}`;
    const [ipv4 = '', ipv6 = ''] = (await docker('inspect', '--format', format, this.container(name))).split(' ');
    return { ipv4, ipv6 };
  }

  /** An application of a pod. @param program for Node */
  async app(pod: string, program: string): Promise<void> {
    const node = [NODE, 'node', '--input-type=module', '--eval', program];
    await this.start(`${pod}-app`, '--network', this.network(pod), '--user', '1000', ...node);
  }

  /** Load the rules. @param env `NAME=VALUE` */
  async init(pod: string, ...env: readonly string[]): Promise<Ended> {
    const variables = env.flatMap((each) => ['--env', each]);
    return await ended(...INIT, '--network', this.network(pod), ...variables, imageOf('mesh-init'));
  }

  /** Load rules of a test's own into a pod's network. */
  async loads(pod: string, rules: string): Promise<Ended> {
    const load = ['--entrypoint', 'sh', imageOf('mesh-init'), '-c', 'printf %s "$0" | nft -f -', rules];
    return await ended(...INIT, '--network', this.network(pod), ...load);
  }

  /** The rules that are loaded, of everybody. */
  async rules(pod: string): Promise<string> {
    const nft = ['--entrypoint', 'nft', imageOf('mesh-init'), 'list', 'ruleset'];
    return (await ended(...INIT, '--network', this.network(pod), ...nft)).text;
  }

  /** Give a pod its rules, and its proxy, which is ready. */
  async mesh(pod: string, configuration: Configuration): Promise<void> {
    const files = join(this.#directory, pod);
    mkdirSync(files, { recursive: true });
    const { key, chain, trustBundle } = await credentialsOf(pod);
    for (const [file, text] of Object.entries({
      'tls.key': key,
      'tls.crt': chain,
      'ca.crt': trustBundle,
      'mesh.json': JSON.stringify(configuration),
    })) {
      writeFileSync(join(files, file), text);
      // The proxy is another user here.
      chmodSync(join(files, file), 0o644);
    }
    chmodSync(this.#directory, 0o755);
    chmodSync(files, 0o755);
    const { code, text } = await this.init(pod, ...this.#init);
    assert.is(code, 0, text);
    await this.start(
      `${pod}-proxy`,
      ...HARDENED,
      `--network=${this.network(pod)}`,
      `--volume=${files}:/mesh:ro`,
      ...this.#proxy.map((each) => `--env=${each}`),
      imageOf('mesh-proxy'),
    );
    await eventually(
      `the proxy of ${pod} is ready`,
      async () =>
        (await docker('exec', this.container(`${pod}-proxy`), '/sidecar/healthcheck', '/startupz')) !== undefined,
      { within: 60_000, every: 250 },
    );
  }

  /** What an application of a pod gets, as another user than the proxy. */
  async inPod(pod: string, program: string, ...options: readonly string[]): Promise<string> {
    const node = ['node', '--input-type=module', '--eval', program];
    return await docker('exec', '--user', '1000', ...options, this.container(pod), ...node);
  }
}

/** A program that prints the status and the body of what a URL answers. */
export const get = (url: string): string =>
  `const r = await fetch(${JSON.stringify(url)}); console.log(r.status, await r.text())`;

/** A mesh that knows nothing but itself. */
export const EMPTY: Configuration = {
  version: '1',
  outbound: { unknown: 'ALLOW_ANY', listeners: [] },
  inbound: { mtls: 'STRICT' },
  clusters: [],
};

/** Debian's Prometheus in a container, which scrapes programs of this machine. */
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { request } from '#kit/net/http-client.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { docker } from '../lib/engine.ts';
import { STACK_LABEL } from '../lib/labels.ts';
import { programImage } from '../lib/program-image.ts';

const SHORT = { timeoutMs: 120_000 };
const PORT = 9090;
/** The machine, as a container names it. */
export const MACHINE = 'host.docker.internal';

export type Matrix = {
  readonly metric: Record<string, string>;
  readonly values: readonly (readonly [number, string])[];
}[];
export type Vector = { readonly metric: Record<string, string>; readonly value?: readonly [number, string] }[];

export class Prometheus {
  readonly container: string;
  #url = '';

  private constructor(container: string) {
    this.container = container;
  }

  /**
   * Start it, and wait until it answers.
   * @param configuration of Prometheus, as JSON; programs of this machine are at MACHINE
   * @param options.flags of the program @param options.files below /watch, for `rule_files`
   */
  static async start(
    configuration: object,
    { flags = [], files = {} }: { readonly flags?: readonly string[]; readonly files?: Record<string, string> } = {},
  ): Promise<Prometheus> {
    const image = await programImage('prometheus', 'scripts/prometheus/image', () => {});
    const prometheus = new Prometheus(`sidecar-stacks-prometheus-${randomBytes(3).toString('hex')}`);
    const folder = temporaryDirectory('prometheus');
    // The image runs as nobody.
    chmodSync(folder, 0o755);
    for (const [path, text] of Object.entries({ 'prometheus.yaml': JSON.stringify(configuration), ...files })) {
      mkdirSync(dirname(join(folder, path)), { recursive: true, mode: 0o755 });
      writeFileSync(join(folder, path), text, { mode: 0o644 });
    }
    const { container } = prometheus;
    const options = ['--add-host', `${MACHINE}:host-gateway`, '--publish', `127.0.0.1::${PORT}`, '--name', container];
    const program = ['prometheus', '--config.file=/watch/prometheus.yaml', '--storage.tsdb.path=/tmp/prometheus'];
    try {
      await docker(['create', '--label', `${STACK_LABEL}=prometheus`, ...options, image, ...program, ...flags], SHORT);
      await docker(['cp', folder, `${container}:/watch`], SHORT);
      await docker(['start', container], SHORT);
      const published = (await docker(['port', container, String(PORT)], SHORT)).split('\n', 1)[0]!.trim();
      prometheus.#url = `http://${published}`;
      await eventually('Prometheus is ready', () => prometheus.#isReady(), { within: 60_000 });
    } catch (error) {
      await prometheus[Symbol.asyncDispose]();
      throw error;
    }
    return prometheus;
  }

  async #isReady(): Promise<boolean> {
    const { status } = await request(`${this.#url}/-/ready`, { timeout: 5000 }).catch(() => ({ status: 0 }));
    return status === 200;
  }

  /** @returns what the expression is now */
  async query(expression: string): Promise<Vector> {
    return (await this.ask<{ result: Vector }>('query', { query: expression })).result;
  }

  /** @param path below /api/v1 @returns `data` of the answer */
  async ask<T>(path: string, parameters: Readonly<Record<string, string>>): Promise<T> {
    const { body } = await request(`${this.#url}/api/v1/${path}?${new URLSearchParams(parameters).toString()}`, {
      timeout: 60_000,
      maxBody: 64 * 1024 * 1024,
    });
    const { data, error } = JSON.parse(String(body)) as { data: T; error?: string };
    if (error !== undefined) throw new Error(`Prometheus: ${error}`);
    return data;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await docker(['rm', '--force', '--volumes', this.container], SHORT);
  }
}

/** A container engine in a container: this stack's pod in it, and its daemon ended at will. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { EngineError } from '../../../scripts/lib/engine.ts';
import type { Inspected, Project } from '../../../scripts/lib/compose.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { LASTING } from './pod.ts';

/** The pod in the inner engine, at one moment. */
export interface Look {
  /** All run, in the namespaces of the pod. */
  readonly whole: boolean;
  /** How many run in namespaces that are not those of the pod that runs now. */
  readonly stranded: number;
  /** Start time and pid of each that runs. */
  readonly lives: readonly string[];
  readonly summary: string;
}

const PROJECT = 'inner';
const LONG = { timeoutMs: 120_000 };
const SHORT = { timeoutMs: 30_000 };
/** Who has not come by then does not: the engine starts what it restarts at once. Milliseconds. */
const SETTLED = 2000;

export class InnerEngine {
  readonly #outer: Project;
  readonly #signal: AbortSignal;

  /** @param outer the project whose service `engine` it is */
  constructor(outer: Project, signal: AbortSignal) {
    this.#outer = outer;
    this.#signal = signal;
  }

  /** Wait until the daemon answers. */
  async answers(): Promise<void> {
    await eventually('the inner engine answers', () => this.#docker(['info', '--format', '{{.ID}}'], SHORT), {
      within: 60_000,
      every: 200,
      signal: this.#signal,
    });
  }

  /** Carry the images of a project over and bring the same project up. */
  async bring(project: Project): Promise<void> {
    const images = (await project.compose(['config', '--images'], SHORT)).split('\n');
    await this.#carry([...new Set(images)]);
    const resolved = await project.compose(['config'], SHORT);
    await this.#exec(['bash', '-c', 'cat >/compose.yaml'], { ...SHORT, input: resolved });
    await this.heal();
  }

  /** One command: `docker compose up`. Throws when not everything comes up healthy. */
  async heal(): Promise<void> {
    await this.#docker(
      ['compose', '-f', '/compose.yaml', '-p', PROJECT, 'up', '--detach', '--no-build', '--wait'],
      LONG,
    );
    await eventually('the pod is whole', async () => (await this.look()).whole, { within: 30_000, every: 200 });
    await this.served();
  }

  /** End the daemon; it is started again at once. Resolves when the new one answers. */
  async end(how: 'TERM' | 'KILL'): Promise<void> {
    const pid = await this.#exec(['cat', '/run/docker.pid'], SHORT);
    await this.#exec(['bash', '-c', 'kill -"$1" "$2"', 'bash', how, pid], SHORT);
    await eventually('another daemon runs', async () => (await this.#exec(['cat', '/run/docker.pid'], SHORT)) !== pid, {
      within: 60_000,
      every: 100,
      signal: this.#signal,
    });
    await this.answers();
  }

  /** Look until nothing changes any more. */
  async settled(): Promise<Look> {
    let last = await this.look();
    let since = performance.now();
    return await eventually(
      'the inner engine has settled',
      async () => {
        const now = await this.look();
        if (JSON.stringify(now) !== JSON.stringify(last)) [last, since] = [now, performance.now()];
        return performance.now() - since > SETTLED && now;
      },
      { within: 60_000, every: 250, signal: this.#signal },
    );
  }

  async look(): Promise<Look> {
    const ids = (
      await this.#docker(['ps', '--all', '--quiet', '--filter', `label=com.docker.compose.project=${PROJECT}`], SHORT)
    ).split('\n');
    const all = JSON.parse(await this.#docker(['inspect', ...ids], SHORT)) as Inspected[];
    const lasting = all.filter(({ Config }) => (LASTING as readonly string[]).includes(service(Config.Labels)));
    const running = lasting.filter(({ State }) => State.Running);
    const homes = new Map<string, string>();
    for (const { State, Config } of running)
      homes.set(
        service(Config.Labels),
        await this.#exec(['readlink', `/proc/${State.Pid}/ns/net`, `/proc/${State.Pid}/ns/pid`], SHORT),
      );
    const stranded = [...homes.values()].filter((home) => home !== homes.get('pod')).length;
    return {
      whole: running.length === LASTING.length && stranded === 0,
      stranded,
      lives: running.map(({ Name, State }) => `${Name} ${State.StartedAt} ${State.Pid}`).toSorted(),
      summary: `${running.length} of ${LASTING.length} containers`,
    };
  }

  /** Have the daemon leave containers alone when it ends; it takes that up without being restarted. */
  async keepContainersAlive(): Promise<void> {
    await this.#exec(
      [
        'bash',
        '-c',
        `mkdir -p /etc/docker && echo '{"live-restore": true}' >/etc/docker/daemon.json && kill -HUP "$(</run/docker.pid)"`,
      ],
      SHORT,
    );
    await eventually(
      'live-restore is on',
      async () => (await this.#docker(['info', '--format', '{{.LiveRestoreEnabled}}'], SHORT)) === 'true',
    );
  }

  /** A report through the TLS sidecar, asked for inside the pod. */
  async served(): Promise<void> {
    const ask = `process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
      const answer = await fetch('https://localhost:8443/reports/march');
      process.exit((await answer.text()).endsWith('total of march\\n') ? 0 : 1);`;
    const id = await this.#docker(['ps', '--quiet', '--filter', 'label=com.docker.compose.service=tls'], SHORT);
    await this.#docker(['exec', id, 'node', '--no-warnings', '--input-type=module', '--eval', ask], SHORT);
  }

  /** `docker save` here into `docker load` there. */
  async #carry(images: readonly string[]): Promise<void> {
    const id = await this.#outer.id('engine');
    const save = spawn('docker', ['save', ...images], { stdio: ['ignore', 'pipe', 'inherit'], signal: this.#signal });
    const load = spawn('docker', ['exec', '--interactive', id, 'docker', 'load', '--quiet'], {
      stdio: [save.stdout, 'ignore', 'inherit'],
      signal: this.#signal,
    });
    const codes = await Promise.all([save, load].map(async (child) => (await once(child, 'exit'))[0] as number | null));
    if (codes.some((code) => code !== 0))
      throw new Error(`docker save | docker load exited with ${codes.join(' and ')}`);
  }

  #docker(args: readonly string[], options: { timeoutMs: number }): Promise<string> {
    return this.#exec(['docker', ...args], options);
  }

  async #exec(args: readonly string[], options: { timeoutMs: number; input?: string }): Promise<string> {
    try {
      return await this.#outer.exec('engine', args, { ...options, signal: this.#signal });
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      throw new Error(
        `in the inner engine, ${args.slice(0, 3).join(' ')}: ${error.stderr.join(' ') || error.message}`,
        { cause: error },
      );
    }
  }
}

const service = (labels: Readonly<Record<string, string>>): string => labels['com.docker.compose.service'] ?? '';

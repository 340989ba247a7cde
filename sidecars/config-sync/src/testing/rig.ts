/** Server, sidecar and application of one test. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TestApplication } from './application.ts';
import { TestConfigServer, type TestReport } from './config-server.ts';
import { eventually, freePort, startSidecar, type Sidecar } from './sidecar.ts';

export class Rig implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'config-sync-'));
  /** Where the file is, and nothing else. */
  readonly live = join(this.directory, 'live');
  readonly file = join(this.live, 'app.properties');
  readonly server = new TestConfigServer();
  readonly app: TestApplication;
  readonly #sidecars: Sidecar[] = [];

  private constructor(port: number) {
    mkdirSync(this.live);
    this.app = new TestApplication(this.directory, port, this.file);
  }

  static async open(): Promise<Rig> {
    const rig = new Rig(await freePort());
    await rig.server.start();
    return rig;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { child } of this.#sidecars) child.kill('SIGKILL');
    await Promise.all(this.#sidecars.map(({ exit }) => exit));
    await this.app.stop();
    this.server.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** A sidecar of the application, told by SIGHUP, which is to show the document's release. */
  async start(env: Record<string, string> = {}): Promise<Sidecar> {
    const sidecar = await startSidecar({
      CONFIG_URL: this.server.url,
      CONFIG_FILES: `app=${this.file}`,
      CONFIG_STATE_DIR: join(this.directory, 'state'),
      CONFIG_NOTIFY: `signal:HUP@${this.app.name}`,
      CONFIG_VERIFY: `shows:${this.app.url}`,
      CONFIG_VERIFY_EXPECT: '/^release=(.+)$/m',
      ...env,
    });
    this.#sidecars.push(sidecar);
    return sidecar;
  }

  /** All in sync on release 1. */
  async settled(env: Record<string, string> = {}): Promise<Sidecar> {
    this.server.put('app', 'release=1\n');
    const sidecar = await this.start(env);
    await this.started(sidecar);
    await this.app.start();
    await this.inSync(sidecar);
    return sidecar;
  }

  async started(sidecar: Sidecar): Promise<void> {
    await explained(sidecar, 'it has started', async () => (await sidecar.get('/startupz')).status === 200);
  }

  async inSync(sidecar: Sidecar): Promise<void> {
    await explained(sidecar, 'the file is in sync', async () => (await sidecar.file()).in_sync);
  }

  async ready(sidecar: Sidecar, status: number, pattern = /./): Promise<void> {
    await explained(sidecar, `/readyz says ${status} ${pattern.source}`, async () => {
      const answer = await sidecar.get('/readyz');
      return answer.status === status && pattern.test(answer.text);
    });
  }

  /** The application serves a text. */
  async serves(text: string): Promise<void> {
    const look = async (): Promise<boolean> => (await this.app.serves()) === text;
    await eventually(`the application serves ${JSON.stringify(text)}`, look).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${this.#sidecars.at(-1)?.output()}`);
    });
  }

  /** The server was told of a version. */
  async report(state: string, version: number): Promise<TestReport> {
    const look = (): TestReport | undefined =>
      this.server.reports.find((each) => each.state === state && each.version === String(version));
    return await eventually<TestReport>(`version ${version} is reported as ${state}`, look).catch((error: unknown) => {
      throw new Error(
        `${String(error)}\n${JSON.stringify(this.server.reports.slice(-3))}\n${this.#sidecars.at(-1)?.output()}`,
      );
    });
  }

  /** The sidecar has polled some more times. */
  async polled(times = 3): Promise<void> {
    const before = this.server.requests.length;
    await eventually('it polled on', () => this.server.requests.length > before + times);
  }

  read(): string {
    return readFileSync(this.file, 'utf8');
  }

  /** Changes whenever the file is written or replaced. */
  stamp(): string {
    const { ino, mtimeNs, ctimeNs } = statSync(this.file, { bigint: true });
    return `${ino}:${mtimeNs}:${ctimeNs}`;
  }
}

/** What the sidecar said goes with what was waited for in vain. */
async function explained(sidecar: Sidecar, what: string, look: () => Promise<boolean>): Promise<void> {
  await eventually(what, look).catch(async (error: unknown) => {
    const state = await sidecar.get('/readyz').catch(() => undefined);
    throw new Error(`${String(error)}\n${state?.text}\n${sidecar.output()}`);
  });
}

/** Server, sidecar and application of one test. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TestApplication } from './application.ts';
import { TestConfigServer, type TestReport } from './config-server.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { freePort } from '#kit/testing/ports.ts';
import { Sidecar } from './sidecar.ts';

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
    await Promise.all(this.#sidecars.map((sidecar) => sidecar.stop('SIGKILL')));
    await this.app.stop();
    this.server.stop();
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 5 });
  }

  /** A sidecar of the application, told by SIGHUP, which is to show the document's release. */
  async start(env: Record<string, string> = {}, flags: readonly string[] = []): Promise<Sidecar> {
    const settings = {
      CONFIG_URL: this.server.url,
      CONFIG_FILES: `app=${this.file}`,
      CONFIG_STATE_DIR: join(this.directory, 'state'),
      CONFIG_NOTIFY: `signal:HUP@${this.app.name}`,
      CONFIG_VERIFY: `shows:${this.app.url}`,
      CONFIG_VERIFY_EXPECT: '/^release=(.+)$/m',
      ...env,
    };
    const sidecar = await Sidecar.start(settings, flags);
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
    await sidecar.up();
  }

  async inSync(sidecar: Sidecar): Promise<void> {
    await sidecar.eventually('the file is in sync', async () => (await sidecar.file()).in_sync);
  }

  async ready(sidecar: Sidecar, status: number, pattern = /./): Promise<void> {
    await sidecar.answers('/readyz', status, pattern);
  }

  /** The application serves a text. */
  async serves(text: string): Promise<void> {
    const look = async (): Promise<boolean> => (await this.app.serves()) === text;
    await eventually(`the application serves ${JSON.stringify(text)}`, look).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${this.#sidecars.at(-1)?.output}`);
    });
  }

  /** The server was told of a version. */
  async report(state: string, version: number): Promise<TestReport> {
    const look = (): TestReport | undefined =>
      this.server.reports.find((each) => each.state === state && each.version === String(version));
    return await eventually(`version ${version} is reported as ${state}`, look).catch((error: unknown) => {
      throw new Error(
        `${String(error)}\n${JSON.stringify(this.server.reports.slice(-3))}\n${this.#sidecars.at(-1)?.output}`,
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

/**
 * An application that reads a file and knows of nothing else: it takes `release=N` from it, serves the
 * file, and reloads on SIGHUP or POST /reload. `choke=ignore` keeps it on what it had, `choke=lie`
 * makes it serve something else, `choke=die` kills it, also as it starts.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { request } from '#kit/net/http-client.ts';

const PROGRAM = `
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
const [, , port, file] = process.argv;
let text = '';
let loads = 0;
const load = () => {
  const fresh = readFileSync(file, 'utf8');
  if (/^choke=die$/m.test(fresh)) process.exit(1);
  loads++;
  if (/^choke=ignore$/m.test(fresh)) return false;
  text = /^choke=lie$/m.test(fresh) ? 'something else' : fresh;
  return true;
};
process.on('SIGHUP', load);
load();
createServer((request, response) => {
  if (request.url === '/reload') return response.writeHead(load() ? 200 : 500).end();
  if (request.url === '/loads') return response.end(String(loads));
  response.end(text);
}).listen(Number(port), '127.0.0.1', () => console.log('up'));
`;

export class TestApplication {
  readonly port: number;
  readonly file: string;
  /** By which it is found among processes. */
  readonly name: string;
  readonly #program: string;
  #child: ChildProcess | undefined;
  #supervised = false;

  constructor(directory: string, port: number, file: string) {
    this.port = port;
    this.file = file;
    this.name = `app-${process.pid}-${port}.mjs`;
    this.#program = join(directory, this.name);
    writeFileSync(this.#program, PROGRAM);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/`;
  }

  get running(): boolean {
    return this.#child?.exitCode === null && this.#child.signalCode === null;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Start it; with `supervised` it is started again whenever it ends, as an orchestrator does. */
  async start(supervised = false): Promise<void> {
    this.#supervised = supervised;
    const child = spawn(process.execPath, [this.#program, String(this.port), this.file], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    this.#child = child;
    child.once('exit', () => {
      if (this.#supervised) setTimeout(() => void this.start(true), 100);
    });
    await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
  }

  async stop(): Promise<void> {
    this.#supervised = false;
    if (!this.running) return;
    this.#child!.kill('SIGKILL');
    await once(this.#child!, 'exit');
  }

  /** What it serves; undefined while it is down. */
  async serves(): Promise<string | undefined> {
    return await request(this.url, { timeout: 1000 }).then(
      ({ body }) => body.toString('utf8'),
      () => undefined,
    );
  }

  /** How often it has read its file. */
  async loads(): Promise<number> {
    return Number((await request(`${this.url}loads`, { timeout: 1000 })).body.toString('utf8'));
  }
}

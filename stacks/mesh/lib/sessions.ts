/**
 * The workload's program in a container, kept open: a command costs a line instead of a `docker exec`, which starts
 * a Node of its own each time.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Driver } from '../../../scripts/lib/driver.ts';
import type { Order, Reply } from '../services/workload/src/session.ts';

const PROGRAM = ['node', '/srv/workload.mjs', 'session'] as const;

/** One open session. Ends with its container, and then says so to everyone who waits for an answer. */
class Session {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  readonly #subject: string;
  #orders = 0;
  #complaint = '';
  open = true;

  constructor(container: string, subject: string) {
    this.#subject = subject;
    this.#child = spawn('docker', ['exec', '--interactive', container, ...PROGRAM], { stdio: 'pipe' });
    this.#child.stderr!.on('data', (chunk: Buffer) => (this.#complaint = chunk.toString().trim().slice(-500)));
    this.#child.stdin!.on('error', () => undefined);
    createInterface({ input: this.#child.stdout! }).on('line', (line) => this.#take(JSON.parse(line) as Reply));
    this.#child.on('error', ({ message }) => this.#end(message));
    this.#child.on('close', (code) => this.#end(`ended with ${code}: ${this.#complaint}`));
  }

  /** @throws when it is not answered in time, the command failed, or the container went away */
  async ask(command: string, argument: string, timeoutMs: number): Promise<unknown> {
    const order: Order = { id: ++this.#orders, command, argument };
    const answer = Promise.withResolvers<unknown>();
    this.#waiting.set(order.id, answer);
    const about = `${command} in ${this.#subject}`;
    const timer = setTimeout(() => answer.reject(new Error(`${about}: not within ${timeoutMs / 1000} s`)), timeoutMs);
    this.#child.stdin!.write(`${JSON.stringify(order)}\n`);
    try {
      return await answer.promise;
    } catch (error) {
      throw new Error(`${about}: ${(error as Error).message}`, { cause: error });
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(order.id);
    }
  }

  async close(): Promise<void> {
    if (!this.open) return;
    const closed = once(this.#child, 'close');
    this.#child.stdin!.end();
    this.#child.kill();
    await closed;
  }

  #take(reply: Reply): void {
    const answer = this.#waiting.get(reply.id);
    if ('error' in reply) answer?.reject(new Error(reply.error));
    else answer?.resolve(reply.outcome);
  }

  #end(why: string): void {
    this.open = false;
    for (const { reject } of this.#waiting.values()) reject(new Error(why));
  }
}

interface Entry {
  readonly opened: Promise<Session>;
  session?: Session;
}

const sessions = new Map<string, Entry>();

/** Open one; forgotten again when the service has no container. */
function open(project: Driver, service: string, key: string): Entry {
  const opened = project.id(service).then((id) => (entry.session = new Session(id, `service ${service}`)));
  const entry: Entry = { opened };
  opened.catch(() => sessions.delete(key));
  sessions.set(key, entry);
  return entry;
}

/**
 * Carry out a command of the workload's program in a service's container.
 * @throws when the container does not run, or goes away meanwhile; the next command begins anew
 */
export async function command(
  project: Driver,
  service: string,
  name: string,
  argument: string,
  timeoutMs: number,
): Promise<unknown> {
  const key = `${project.name} ${service}`;
  const known = sessions.get(key);
  const usable = known !== undefined && known.session?.open !== false;
  const { opened } = usable ? known : open(project, service, key);
  return (await opened).ask(name, argument, timeoutMs);
}

/** End all of them. */
export async function closeSessions(): Promise<void> {
  await Promise.all([...sessions.values()].map(async ({ session }) => session?.close()));
}

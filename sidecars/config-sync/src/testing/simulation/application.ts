/** The application of a simulation: it reads its file when it starts or is told, crashes, hangs and comes up again. */
import type { Machine, Program } from '#kit/testing/simulation/machine.ts';
import type { Application, NotifyResult } from '../../apply/application.ts';
import type { Identity } from '../../documents/document.ts';
import { isTaken } from './server.ts';

/** Milliseconds that a version has to show, and that are tried to tell of one. */
const PATIENCE = 2000;
const TELL = 5000;
const LOOK = 100;

/** Contents that an application has taken. */
export class SimulatedApplication implements Pick<Application, keyof Application> {
  readonly verifiable = true;
  /** All that it ever ran with, as text. */
  readonly taken = new Set<string>();
  up = false;
  /** From now on it does not crash. */
  behaves = false;
  #shows: Buffer | undefined;
  #ended = false;
  readonly #machine: Machine;
  readonly #path: string;

  constructor(machine: Machine, path: string) {
    this.#machine = machine;
    this.#path = path;
  }

  get shows(): Buffer | undefined {
    return this.up ? this.#shows : undefined;
  }

  /** Its life. @param crashes milliseconds between two of them, on average; Infinity for none */
  *live(crashes: number): Program {
    const { random } = this.#machine;
    for (;;) {
      this.#ended = false;
      this.up = this.#load();
      if (!this.up) {
        // It does not start with this file, and is restarted.
        yield random.between(100, 1000);
        continue;
      }
      for (
        const until = this.#machine.now + random.between(0.2, 1.8) * crashes;
        !this.#ended && (this.#machine.now < until || this.behaves);
      )
        yield 5 * LOOK;
      this.up = false;
      this.#machine.say('the application crashed');
      yield random.between(100, 6000);
    }
  }

  /** It is on the same machine, and was told nothing of it. */
  cutPower(): void {
    this.up = false;
    this.#ended = true;
  }

  /** @returns whether the file in place is one that it takes */
  #load(): boolean {
    const inode = this.#machine.files.at(this.#path);
    const content = inode && Buffer.from(inode.bytes.subarray(0, inode.size));
    if (content === undefined || !isTaken(content)) return false;
    this.#shows = content;
    this.taken.add(String(content));
    this.#machine.say(`the application runs with ${String(content).slice(0, 30)}`);
    return true;
  }

  async whyUnavailable(): Promise<string | undefined> {
    await this.#pause(this.#machine.random.between(0, 20));
    return this.up ? undefined : 'it is down';
  }

  async silence(): Promise<string | undefined> {
    return await this.whyUnavailable();
  }

  async tell(): Promise<NotifyResult> {
    const { random } = this.#machine;
    await this.#pause(random.between(1, 200));
    if (!this.up) return { kind: 'unheard', reason: 'it is down' };
    if (this.#load() || random.chance(0.5)) return { kind: 'told' };
    return { kind: 'refused', reason: 'it says no' };
  }

  async notifyWithRetry(): Promise<NotifyResult> {
    for (const end = this.#machine.now + TELL; ; await this.#pause(200)) {
      const told = await this.tell();
      if (told.kind !== 'unheard' || this.#machine.now >= end) return told;
    }
  }

  async refusal(
    _id: Identity,
    content: Uint8Array,
    _signal: AbortSignal,
    patience = PATIENCE,
  ): Promise<string | undefined> {
    for (const end = this.#machine.now + patience; ; await this.#pause(LOOK)) {
      if (this.shows?.equals(content)) return undefined;
      if (this.#machine.now >= end) return this.up ? 'it shows another version' : 'it is down';
    }
  }

  async tookItself(_id: Identity, content: Uint8Array): Promise<boolean> {
    return this.shows?.equals(content) === true;
  }

  #pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#machine.schedule(ms, resolve);
    return promise;
  }
}

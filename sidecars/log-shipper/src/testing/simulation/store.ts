/** A store that answers late, twice, half or never, and puts off single items. */
import type { Machine } from '#kit/testing/simulation/machine.ts';
import { Unanswered, type Answer } from '../../delivery/transport.ts';

/** How likely each fault is, from 0 to 1. */
export interface StoreFaults {
  /** The request does not arrive. */
  readonly refused: number;
  /** It is stored, and no answer comes. */
  readonly unheard: number;
  /** 429 or 503 for all of it. */
  readonly busy: number;
  /** An item is put off. */
  readonly item: number;
  /** The connection ends after a part of the answer; all is stored. */
  readonly half: number;
  /** How long an answer takes, least and most, in milliseconds. */
  readonly delay: readonly [number, number];
}

interface Document {
  readonly message: string;
}

export class SimulatedStore {
  /** Lines, in the order in which they were stored. */
  readonly lines: string[] = [];
  /** When each of them was, in milliseconds since the machine was started. */
  readonly storedAt: number[] = [];
  /** Nothing goes wrong from now on. */
  calm = false;
  readonly #machine: Machine;
  readonly #faults: StoreFaults;
  readonly #ids = new Set<string>();

  constructor(machine: Machine, faults: StoreFaults) {
    this.#machine = machine;
    this.#faults = faults;
  }

  /** As the transport does. @throws {Unanswered} */
  async post(_url: URL, body: Buffer): Promise<Answer> {
    const { random } = this.#machine;
    const { refused, unheard, busy, half, delay } = this.#faults;
    // The sender's buffer is used again.
    const text = body.toString();
    const chance = (probability: number): boolean => !this.calm && random.chance(probability);
    const isRefused = chance(refused);
    const isBusy = chance(busy);
    const isUnheard = chance(unheard) || chance(half);
    const wait = this.calm ? 1 : random.between(...delay);
    this.#machine.note(`request ${text.length}`);
    let answer = '';
    // The request is under way, whether or not its sender lives.
    if (!isRefused) this.#machine.after(wait / 2, () => (answer = isBusy ? '' : this.#store(text)));
    await this.#pause(wait + 0.01);
    if (isRefused) throw new Unanswered('refused', 'no connection', undefined);
    if (isUnheard) throw new Unanswered('network', 'the answer broke off', undefined);
    const status = isBusy ? random.pick([429, 503]) : 200;
    return { status, body: Buffer.from(answer), retryAfter: undefined, sent: text.length };
  }

  #pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#machine.schedule(ms, resolve);
    return promise;
  }

  #store(text: string): string {
    const lines = text.split('\n');
    const items: object[] = [];
    for (let at = 0; at + 1 < lines.length; at += 2) {
      const { create } = JSON.parse(lines[at]!) as { create: { _id: string } };
      items.push({ create: { _id: create._id, ...this.#create(create._id, lines[at + 1]!) } });
    }
    this.#machine.note(`stored ${items.length}`);
    return JSON.stringify({ took: 1, errors: true, items });
  }

  #create(id: string, body: string): object {
    if (this.#ids.has(id))
      return { status: 409, error: { type: 'version_conflict_engine_exception', reason: 'known' } };
    if (!this.calm && this.#machine.random.chance(this.#faults.item))
      return { status: 429, error: { type: 'es_rejected_execution_exception', reason: 'busy' } };
    this.#ids.add(id);
    this.storedAt.push(this.#machine.now);
    this.lines.push(...(JSON.parse(body) as Document).message.split('\n'));
    return { status: 201 };
  }
}

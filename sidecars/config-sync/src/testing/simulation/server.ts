/** The config server of a simulation: it publishes versions, and answers late, twice, half, with errors or never. */
import type { Machine, Program } from '#kit/testing/simulation/machine.ts';
import { digestOf } from '../../documents/document.ts';
import { SourceError, type Reading } from '../../sources/source.ts';

export const KEY = 'app.json';

/** What becomes of a version: the application takes it, the application refuses it, it is no JSON. */
export type Kind = 'good' | 'refused' | 'invalid';

export interface Version {
  readonly version: string;
  readonly kind: Kind;
  readonly content: Buffer;
}

/** How badly a seed's server behaves: probabilities of each answer. */
export interface Manners {
  readonly late: number;
  readonly half: number;
  readonly fails: number;
  readonly never: number;
  /** A change is not told of. */
  readonly silent: number;
}

/** Milliseconds until a request that nobody answers is given up. */
const TIMEOUT = 3000;

/** The content of a version, which says what it is. */
function contentOf(number: number, kind: Kind): Buffer {
  const text = JSON.stringify({ number, kind, text: 'x'.repeat(200) });
  return Buffer.from(kind === 'invalid' ? text.slice(0, -1) : text);
}

/** What a content says of itself: whether the application takes it. */
export function isTaken(content: Buffer): boolean {
  try {
    return (JSON.parse(String(content)) as { kind: Kind }).kind === 'good';
  } catch {
    return false;
  }
}

export class Server {
  readonly versions: Version[] = [];
  /** Told of each change, as often as the server tells of it. */
  told: () => void = () => {};
  /** From now on it behaves well. */
  behaves = false;
  readonly #machine: Machine;
  readonly #manners: Manners;

  constructor(machine: Machine, manners: Manners) {
    this.#machine = machine;
    this.#manners = manners;
  }

  get latest(): Version {
    return this.versions.at(-1)!;
  }

  /** Publish versions. @param count of them @param kinds from which each is picked */
  *publish(count: number, kinds: readonly Kind[]): Program {
    const { random } = this.#machine;
    for (let number = 1; number <= count; number++) {
      const kind = random.pick(kinds);
      this.versions.push({ version: `v${number}`, kind, content: contentOf(number, kind) });
      this.#machine.say(`version v${number} is ${kind}`);
      if (!random.chance(this.#manners.silent))
        for (let times = random.int(1, 2); times > 0; times--)
          this.#machine.after(random.between(0, 500), () => this.told());
      yield random.chance(0.3) ? random.between(1, 50) : random.between(200, 3000);
    }
  }

  /** Look at the latest version, as the runner asks. @throws {SourceError} */
  async read(): Promise<Reading> {
    const { random } = this.#machine;
    const { late, half, fails, never } = this.#manners;
    const { version, content } = this.latest;
    const chance = this.behaves ? 1 : random.next();
    if (chance < never) {
      await this.#pause(TIMEOUT);
      throw new SourceError('timeout', 'no answer');
    }
    await this.#pause(chance < never + late ? random.between(500, 4000) : random.between(1, 50));
    if (chance >= never + late && chance < never + late + fails) throw new SourceError('network', 'cut');
    const isHalf = chance > 1 - half && !this.behaves;
    const sent = isHalf ? content.subarray(0, random.int(0, content.length - 1)) : content;
    const document = { key: KEY, version, digest: digestOf(sent), content: sent };
    return { kind: 'document', document, revision: undefined, resume: undefined };
  }

  #pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#machine.schedule(ms, resolve);
    return promise;
  }
}

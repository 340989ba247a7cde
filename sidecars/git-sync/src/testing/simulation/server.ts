/** The git server of a simulation: a branch that gets commits, and answers late, cut off, with errors or never. */
import type { Machine, Program } from '#kit/testing/simulation/machine.ts';

/** Whether the gate lets a commit through. */
export type Kind = 'good' | 'refused';

export interface Commit {
  readonly hash: string;
  readonly kind: Kind;
  /** Contents by path. */
  readonly files: Readonly<Record<string, string>>;
}

/** How badly a seed's server behaves: probabilities of each answer. */
export interface Manners {
  readonly late: number;
  readonly cut: number;
  readonly fails: number;
  readonly never: number;
  /** Nobody is told of a push. */
  readonly silent: number;
}

export type Answer = 'whole' | 'cut' | 'fails' | 'never';

/** Milliseconds between a request that is never answered and its end; the sidecar's patience is shorter. */
export const FOREVER = 3_600_000;

export class Server {
  readonly commits: Commit[] = [];
  /** Told of each push that is announced. */
  told: () => void = () => {};
  /** From now on it behaves well. */
  behaves = false;
  readonly #machine: Machine;
  readonly #manners: Manners;

  constructor(machine: Machine, manners: Manners) {
    this.#machine = machine;
    this.#manners = manners;
  }

  get tip(): Commit {
    return this.commits.at(-1)!;
  }

  /** A commit is pushed. */
  push(kind: Kind): void {
    const { random } = this.#machine;
    const number = this.commits.length + 1;
    const hash = random.bytes(20).toString('hex');
    const before = this.commits.at(-1)?.files ?? { same: 'always the same\n', 'deep/er/same': 'as ever\n' };
    const files: Record<string, string> = { ...before, kind, version: `version ${number}\n` };
    if (random.chance(0.5)) files['deep/changed'] = `changed by ${number}\n`.repeat(20);
    if (random.chance(0.3)) files[`new-${number}`] = `came with ${number}\n`;
    if (random.chance(0.3)) delete files['deep/changed'];
    // A file becomes a directory, and a directory a file.
    if (random.chance(0.2)) {
      if (files['turns'] === undefined) {
        delete files['turns/in'];
        files['turns'] = `a file in ${number}\n`;
      } else {
        delete files['turns'];
        files['turns/in'] = `a directory in ${number}\n`;
      }
    }
    this.commits.push({ hash, kind, files });
    this.#machine.say(`commit ${number} is ${hash}, ${kind}`);
    if (!random.chance(this.#manners.silent)) this.#machine.after(random.between(0, 500), () => this.told());
  }

  /** Commits are pushed. @param count of them @param kinds from which each is picked */
  *publish(count: number, kinds: readonly Kind[]): Program {
    const { random } = this.#machine;
    for (let number = 1; number <= count; number++) {
      this.push(random.pick(kinds));
      yield random.chance(0.3) ? random.between(1, 100) : random.between(500, 6000);
    }
  }

  /** What becomes of a request, and how long it takes, in milliseconds. */
  answer(): { readonly answer: Answer; readonly after: number } {
    const { random } = this.#machine;
    const { late, cut, fails, never } = this.#manners;
    const chance = this.behaves ? 1 : random.next();
    if (chance < never) return { answer: 'never', after: FOREVER };
    if (chance < never + late) return { answer: 'whole', after: random.between(500, 5000) };
    const after = random.between(1, 80);
    if (chance < never + late + fails) return { answer: 'fails', after };
    return { answer: chance < never + late + fails + cut ? 'cut' : 'whole', after };
  }
}

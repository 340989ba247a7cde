/** What an export has to say beside its manifests. */
import type { Place } from '../yaml/tree.ts';

/** One thing of a compose file that Kubernetes does otherwise, or not at all. */
export interface Finding {
  /** Machine-readable: `host-path`, `pids-limit`, … */
  readonly code: string;
  /** `refused`: nothing is written while it stands; `warning`: written, and to be known. */
  readonly level: 'refused' | 'warning';
  readonly at: Place;
  /** What it is, and what to do instead. */
  readonly message: string;
  /** Options of the command that solve it. */
  readonly flag?: string | undefined;
}

/** Collects findings; each is said once. */
export class Findings {
  readonly #all: Finding[] = [];

  /** @param flag options of the command that solve it */
  refuse(code: string, at: Place, message: string, flag?: string): void {
    this.#add({ code, level: 'refused', at, message, flag });
  }

  warn(code: string, at: Place, message: string): void {
    this.#add({ code, level: 'warning', at, message });
  }

  /** In the order of files and lines. */
  get all(): Finding[] {
    return this.#all.toSorted(
      (a, b) => compare(a.at.file, b.at.file) || a.at.line - b.at.line || compare(a.message, b.message),
    );
  }

  #add(finding: Finding): void {
    if (!this.#all.some(({ code, message }) => code === finding.code && message === finding.message))
      this.#all.push(finding);
  }
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

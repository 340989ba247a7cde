/** Files and directories that may not be read: logged once with the remedy, and told to readiness. */
import { remedy } from '#kit/files/remedy.ts';
import type { Logger } from '#kit/telemetry/log.ts';

/** Looks in a row until a refusal counts: logrotate makes a file for itself first, and hands it over when it is done. */
const LASTING = 3;
/** Paths that are remembered, and most that the log names. */
const MOST = 100;

export class Refusals {
  readonly #log: Pick<Logger, 'warn'>;
  /** Looks in a row at which a path was refused. */
  #looks = new Map<string, number>();
  readonly #said = new Set<string>();

  constructor(log: Pick<Logger, 'warn'>) {
    this.#log = log;
  }

  /**
   * Take note of a look at all paths.
   * @param refused paths that could not be read, with the reason
   * @returns why the files cannot all be read; undefined when they can, or when it may be for a moment only
   */
  noted(refused: ReadonlyMap<string, string>): string | undefined {
    const before = this.#looks;
    this.#looks = new Map();
    let lasting = 0;
    let first: string | undefined;
    for (const [path, code] of refused) {
      // A link that leads elsewhere is not followed on purpose, and is no fault of the permissions.
      if (code === 'outside') continue;
      const looks = (before.get(path) ?? 0) + 1;
      this.#looks.set(path, looks);
      if (looks < LASTING) continue;
      lasting += 1;
      first ??= path;
      if (this.#said.has(path) || this.#said.size >= MOST) continue;
      this.#said.add(path);
      this.#log.warn({ path, code, remedy: remedy(path) }, 'this may not be read, and nothing of it is shipped');
    }
    if (first === undefined) return undefined;
    const others = lasting > 1 ? `, and ${lasting - 1} more` : '';
    return `${first}${others} may not be read: ${remedy(first)}`;
  }
}

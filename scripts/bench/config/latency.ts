/** From the answer to a PUT until the application serves the new value. */
import { ConfigServer } from '../../lib/config-server.ts';

export interface Side {
  /** Where its board answers. */
  readonly url: string;
}

/** One look may take so long, in milliseconds; and so long is waited in all. */
const PATIENCE = 10_000;
const KEY = 'board.ini';

/** The board's INI file, a release in it by which it is known again. */
export const boardIni = (release: number): string =>
  `[board]\nrelease = ${release}\nstation = Central\nnotice = Mind the gap.\n[departures]\n09.05 = Harbour\n[pool]\nworkers = 4\n`;

/** Changes one document of one server, and watches several boards take it. */
export class Clock {
  readonly #server: ConfigServer;
  #release: number;
  #version: string;

  constructor(server: ConfigServer, at: { release: number; version: string }) {
    this.#server = server;
    this.#release = at.release;
    this.#version = at.version;
  }

  /**
   * Change the document once.
   * @param sides who is watched
   * @returns milliseconds from the server's answer until each serves it
   * @throws when one does not within 10 s
   */
  async change(sides: readonly Side[], signal: AbortSignal): Promise<number[]> {
    const release = (this.#release += 1);
    this.#version = await this.#server.putFrom(KEY, boardIni(release), this.#version);
    const at = performance.now();
    return Promise.all(sides.map((side) => shown(side, release, at, signal)));
  }
}

async function shown({ url }: Side, release: number, at: number, signal: AbortSignal): Promise<number> {
  const wanted = `\nrelease = ${release}\n`;
  for (;;) {
    signal.throwIfAborted();
    const answer = await fetch(url, { signal: AbortSignal.timeout(PATIENCE) });
    const ms = performance.now() - at;
    if ((await answer.text()).includes(wanted)) return ms;
    if (ms > PATIENCE) throw new Error(`${url} does not show release ${release}`);
    // Looking as fast as one can would take the processor from who is looked at.
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/**
 * Containers that crash again and again while a stack is checked. Checks that look at something else pass
 * beside them, so the engine's events are followed: its memory of the past is too short.
 */
import { run } from '../lib/run.ts';

/** One event of a container, as `docker events` prints it. */
export interface ContainerEvent {
  readonly Action: string;
  readonly timeNano: number;
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> };
}

export interface CrashLoop {
  readonly container: string;
  readonly service: string;
  /** How often it crashed in a row, each time soon after its start. */
  readonly crashes: number;
  readonly exitCode: number;
  /** False when it has run long enough since to be over it. */
  readonly still: boolean;
}

/** Number of crashes in a row that make a loop. */
const MANY = 3;
/** A life shorter than this ends "soon"; the engine's back-off has the same bound. Milliseconds. */
const SOON = 10_000;

interface Life {
  readonly name: string;
  readonly service: string;
  startedAt: number | undefined;
  /** Somebody told it to end: that is no crash. */
  told: boolean;
  crashes: number;
  /** Milliseconds since the epoch. */
  crashedAt: number;
  exitCode: number;
}

/** Counts crashes by the events of containers. */
export class Crashes {
  readonly #lives = new Map<string, Life>();
  /** Loops that were left by a life that lasted. */
  readonly #past: CrashLoop[] = [];

  see({ Action, timeNano, Actor: { ID, Attributes } }: ContainerEvent): void {
    const at = timeNano / 1e6;
    let life = this.#lives.get(ID);
    if (!life) {
      const [name = ID, service = ''] = [Attributes['name'], Attributes['com.docker.compose.service']];
      life = { name, service, startedAt: undefined, told: false, crashes: 0, crashedAt: 0, exitCode: 0 };
      this.#lives.set(ID, life);
    }
    if (Action === 'start') {
      life.startedAt = at;
      life.told = false;
    } else if (Action === 'kill') life.told = true;
    else if (Action === 'die') {
      const exitCode = Number(Attributes['exitCode'] ?? 0);
      const soon = life.startedAt === undefined || at - life.startedAt < SOON;
      if (!soon) this.#leave(life);
      if (life.told || exitCode === 0) life.crashes = 0;
      else [life.crashes, life.crashedAt] = [life.crashes + 1, at];
      life.exitCode = exitCode;
      life.startedAt = undefined;
    }
  }

  /**
   * The loops so far. One goes on still when its container does not run, or crashed since the checks began.
   * @param now milliseconds since the epoch
   * @param since when the checks began, likewise
   */
  loops(now: number, since: number): CrashLoop[] {
    for (const life of this.#lives.values())
      if (life.startedAt !== undefined && now - life.startedAt >= SOON) this.#leave(life);
    const looping = [...this.#lives.values()].filter(({ crashes }) => crashes >= MANY);
    return [
      ...this.#past,
      ...looping.map((life) => loopOf(life, life.startedAt === undefined || life.crashedAt >= since)),
    ];
  }

  #leave(life: Life): void {
    if (life.crashes >= MANY) this.#past.push(loopOf(life, false));
    life.crashes = 0;
  }
}

const loopOf = ({ name, service, crashes, exitCode }: Life, still: boolean): CrashLoop => ({
  container: name,
  service,
  crashes,
  exitCode,
  still,
});

/**
 * Follow a project's containers from now on.
 * @param project compose's name of it
 * @returns `stop` ends it and tells the loops that there were
 */
export function followCrashes(project: string): { stop(checksSince: number): Promise<CrashLoop[]> } {
  const crashes = new Crashes();
  const end = new AbortController();
  const filters = [`label=com.docker.compose.project=${project}`, 'event=start', 'event=kill', 'event=die'];
  let rest = '';
  const following = run(
    'docker',
    ['events', '--format', '{{json .}}', ...filters.flatMap((filter) => ['--filter', filter])],
    {
      signal: end.signal,
      onStdout: (text) => {
        const lines = (rest + text).split('\n');
        rest = lines.pop()!;
        for (const line of lines) if (line !== '') crashes.see(JSON.parse(line) as ContainerEvent);
      },
    },
  );
  return {
    stop: async (checksSince) => {
      end.abort();
      await following;
      return crashes.loops(Date.now(), checksSince);
    },
  };
}

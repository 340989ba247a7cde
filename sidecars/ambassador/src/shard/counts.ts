/** What is counted for each command: plain numbers, which become metrics when somebody reads those. */
import type { AmbassadorKit } from '../kit.ts';

type Name = 'requests' | 'responses';

export class Counts {
  commands = 0;
  fragments = 0;
  forwardErrors = 0;
  readonly #servers: Record<Name, Map<string, number>> = { requests: new Map(), responses: new Map() };

  /** Count one of a server. */
  add(name: Name, server: string): void {
    const counts = this.#servers[name];
    counts.set(server, (counts.get(server) ?? 0) + 1);
  }

  /** Add what was counted since the last time. */
  report({ commands, fragments, forward_error, requests, responses }: AmbassadorKit['metrics']): void {
    commands.inc(this.commands);
    fragments.inc(this.fragments);
    forward_error.inc(this.forwardErrors);
    this.commands = this.fragments = this.forwardErrors = 0;
    for (const [name, metric] of [
      ['requests', requests],
      ['responses', responses],
    ] as const) {
      for (const [server, count] of this.#servers[name]) metric.inc({ server }, count);
      this.#servers[name].clear();
    }
  }
}

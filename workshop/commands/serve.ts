/** `make workshop`: the server behind the page, until it is told to stop. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ROOT } from '../../scripts/lib/stacks.ts';
import { bundle } from '../../scripts/setup/bundles/bundle.ts';
import { Admission } from '../server/admission.ts';
import { Cluster } from '../server/cluster.ts';
import { Events } from '../server/events.ts';
import { takeBackLeftOver } from '../server/guard.ts';
import { Lessons } from '../server/lessons.ts';
import { serve } from '../server/server.ts';
import { networkOwner, UsageReader } from '../server/usage.ts';
import type { Usage } from '../server/document.ts';
import { TERMINAL_WORDS } from '../languages/terminal/words.ts';
import { learnersWorkspace } from '../lessons/workspace.ts';

export interface ServeOptions {
  readonly port: number;
  /** Further compose projects that are shown. */
  readonly projects: readonly string[];
  /** Leave up, at the end, what was brought up by the page. */
  readonly keep: boolean;
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Between two looks at what containers take, in milliseconds. */
const USAGE = 2000;

/**
 * Serve until the signal.
 * @returns an exit code
 */
export async function serveWorkshop({ port, projects, keep, print, signal }: ServeOptions): Promise<number> {
  await bundle();
  const workspace = await learnersWorkspace();
  const words = TERMINAL_WORDS[workspace.language];
  const leftOver = takeBackLeftOver();
  if (leftOver > 0) print(words.faultsTakenBack(leftOver));
  const events = new Events();
  const cluster = new Cluster({ changed: (document) => events.tell('pods', document) });
  for (const project of projects) cluster.wanted.add(project);
  const admission = new Admission();
  const lessons = new Lessons(workspace, (name, data) => events.tell(name, data), signal);
  const asset = (name: string): string => readFileSync(join(ROOT, 'workshop/dist', name), 'utf8');
  const server = await serve({
    port,
    admission,
    cluster,
    events,
    lessons,
    assets: { script: asset('page.js'), style: asset('page.css') },
  });
  print(words.pageIsAt(admission.address));
  print(keep ? words.endsAndKeeps : words.endsAndRemoves);
  await Promise.all([cluster.run(signal), lessons.run(), follow(cluster, events, signal)]);
  events.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  if (keep) return 0;
  const left = await lessons.leave();
  if (left.length > 0) print(words.allGone(left.join(', ')));
  return 0;
}

/** What containers take, while a page is open. */
async function follow(cluster: Cluster, events: Events, signal: AbortSignal): Promise<void> {
  const reader = new UsageReader();
  while (!signal.aborted) {
    const { api, shown } = cluster;
    if (api && events.watched) {
      const running = shown.filter(({ State }) => State.Running);
      reader.keep(new Set(running.map(({ Id }) => Id)));
      const usage: Record<string, Usage> = {};
      // A container that has just gone is left out until the next time.
      await Promise.allSettled(
        running.map(async (each) => (usage[each.Id] = await reader.read(api, each, networkOwner(each, shown)))),
      );
      events.tell('usage', usage);
    }
    await pause(USAGE, undefined, { signal }).catch(() => {});
  }
}

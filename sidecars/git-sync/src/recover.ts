/** What a start finds on the disk, and puts in order before anything else happens. */
import { accessSync, constants, existsSync, lstatSync, mkdirSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Logger } from '#kit/telemetry/log.ts';
import { pause } from '#kit/time/backoff.ts';
import { ConfigurationError } from '#kit/contract/parameters.ts';
import { endLeftovers } from './leftovers.ts';
import { ticksNow } from './clock.ts';
import type { Store } from './repository/store.ts';
import { flush } from './versions/json-file.ts';
import type { Layout } from './versions/layout.ts';
import type { Publisher } from './versions/publisher.ts';
import { bootId, type Records } from './versions/records.ts';
import type { StateFile } from './versions/state.ts';
import type { Versions } from './versions/versions.ts';

/** How often a record is looked at that cannot be read, and how long between, in milliseconds: it may be for want of descriptors. */
const LOOKS = 5;
const BETWEEN_LOOKS = 200;

export type Recovery = 'process' | 'state' | 'version' | 'repository';

/**
 * Make the root and what is ours in it.
 * @returns what marks processes that work in this root, whichever container looks at it
 * @throws {ConfigurationError} when it cannot be used
 */
export function prepareRoot(layout: Layout): string {
  const refuse = (message: string): never => {
    throw new ConfigurationError([
      {
        parameter: 'GITSYNC_ROOT',
        reason: 'unreadable',
        message: `GITSYNC_ROOT: ${layout.root} ${message}; accepted is a directory that user ${process.getuid!()} may write to`,
      },
    ]);
  };
  const is = (path: string, kind: 'isDirectory' | 'isFile'): boolean =>
    lstatSync(path, { throwIfNoEntry: false })?.[kind]() ?? true;
  const found = statSync(layout.root, { throwIfNoEntry: false });
  if (found && !found.isDirectory()) refuse('is a file');
  try {
    mkdirSync(layout.root, { recursive: true, mode: 0o755 });
    mkdirSync(layout.versions, { recursive: true, mode: 0o755 });
    mkdirSync(layout.records, { recursive: true, mode: 0o700 });
    for (const path of [layout.root, layout.versions, layout.records])
      accessSync(path, constants.W_OK | constants.X_OK);
  } catch (error) {
    refuse(`cannot be used (${(error as NodeJS.ErrnoException).code})`);
  }
  for (const path of [layout.root, dirname(layout.records)]) {
    try {
      // What is flushed below it is to be found there after a power cut.
      flush(path);
    } catch {
      // Not every file system can.
    }
  }
  // A worktree of somebody's, or a submodule.
  if (!is(layout.repository, 'isDirectory')) refuse(`holds ${basename(layout.repository)} as a file`);
  const { dev, ino } = lstatSync(layout.root);
  return `${dev}:${ino}`;
}

const isLink = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;

/** True when there is a state from an earlier run. */
export const hasState = (layout: Layout): boolean => existsSync(layout.state);

/**
 * Put in order what an earlier run left half done. Nothing that is published and whole is touched.
 * @param found is told what had to be put right
 */
export async function recover(
  { layout, marker, store, records, publisher, versions, state, log }: RecoverParts,
  found: (what: Recovery) => void,
): Promise<void> {
  const note = (what: Recovery, count: number): void => {
    if (count === 0) return;
    found(what);
    log.warn({ what, count }, 'left behind by an earlier run, put in order');
  };
  note('process', await endLeftovers(marker));
  note('state', state.damaged ? 1 : 0);
  note('version', await forgetUnreadable(records));
  const former = state.get().link;
  // A link stays until there is one at the new place.
  if (former !== undefined && former !== layout.link && !isLink(former)) publisher.leave(former);
  publisher.settle();
  note('version', versions.discardExcept(new Set(publisher.list())));
  store.clearLocks();
  // Before anything is written: the disk may be full of it.
  await versions.clean();
  const write = (change: Parameters<StateFile['set']>[0]): void => {
    try {
      state.set(change);
    } catch (error) {
      log.warn({ reason: (error as Error).message }, 'the state cannot be written');
    }
  };
  if (state.get().repository !== store.address.url) {
    if (state.get().repository !== undefined) {
      store.destroy();
      note('repository', 1);
    }
    write({ repository: store.address.url, refused: undefined });
  }
  const live = publisher.live();
  const { published } = state.get();
  if (live !== undefined && published?.hash !== live) {
    // We died between publishing and writing it down; the application has not been told.
    write({
      published: { hash: live, at: Date.now(), boot: bootId(), ticks: ticksNow() },
      previous: published?.hash,
    });
  }
  log.info({ root: layout.root, live: live ?? null, versions: publisher.list().length }, 'found');
}

/**
 * A record that the disk cannot read any more would end every sync. What is served without one stays served.
 * @returns how many there were
 */
async function forgetUnreadable(records: Records): Promise<number> {
  let unreadable = records.unreadable();
  for (let looks = 0; unreadable.length > 0 && looks < LOOKS; looks++) {
    await pause(BETWEEN_LOOKS);
    unreadable = records.unreadable();
  }
  for (const hash of unreadable) records.remove(hash);
  return unreadable.length;
}

interface RecoverParts {
  readonly layout: Layout;
  readonly marker: string;
  readonly store: Store;
  readonly records: Records;
  readonly publisher: Publisher;
  readonly versions: Versions;
  readonly state: StateFile;
  readonly log: Pick<Logger, 'info' | 'warn'>;
}

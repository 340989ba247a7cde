/** The file input with all that it needs. */
import { ConfigurationError } from '#kit/contract/parameters.ts';
import { member } from '../lines/document.ts';
import type { ContainerFormat } from '../lines/container-line.ts';
import { ContainerSplitter } from '../lines/container-splitter.ts';
import { isDated } from '../lines/index-name.ts';
import { createLines } from '../lines/lines.ts';
import type { Entry } from '../pipelines/read.ts';
import type { LineSettings } from '../lines/settings.ts';
import type { Delivery } from '../lines/record.ts';
import type { Common } from '../lines/input-context.ts';
import { Registry } from '../registry/registry.ts';
import type { TrackedFile, Loss } from './tracked/tracked-file.ts';
import { compileGlob, nameMatcher, parseGlob } from '../pipelines/glob.ts';
import { FileTable } from './table/file-table.ts';
import { FileInput } from './input.ts';
import { Refusals } from './refusals.ts';
import { reportFiles } from './report.ts';
import { OpenFiles } from './table/open-files.ts';
import { Pipelines } from './read/pipelines.ts';
import { Reader } from './read/reader.ts';
import { Records } from './read/records.ts';
import { Tracker } from './scan/tracker.ts';

/** Scans this often missed mean that nobody looks any more. */
const MISSED = 30;

export interface Files {
  /** Read no more. */
  stop(): void;
  /** Write down how far the store has come, and close everything. */
  close(): void;
}

/**
 * Start reading.
 * @param paths patterns, not yet taken apart
 * @param entries pipelines for some of the files
 * @throws {ConfigurationError} when the registry cannot be used
 */
export function startFiles(
  paths: readonly string[],
  common: Common,
  delivery: Delivery,
  entries: readonly Entry[],
): Files {
  const { parameters, log, metrics, readiness } = common;
  const globs = paths.map((path) => compileGlob('FILE_PATHS', path, parseGlob));
  const exclude = parameters.FILE_EXCLUDE.map((name) => compileGlob('FILE_EXCLUDE', name, nameMatcher));
  const files = new OpenFiles(
    parameters.FILE_MAX_OPEN,
    globs.map(({ root }) => root),
  );
  const registry = new Registry(parameters.STATE_DIR);
  if (registry.damaged !== undefined) {
    metrics.shipper_state_damaged_total.inc({ kind: 'registry' });
    log.error(
      registry.damaged,
      'the registry is damaged and was set aside: every file is shipped from its beginning, with new ids. ' +
        'To ship less twice, stop the shipper, put back a registry from a backup, and start it',
    );
  }
  const lose = ({ path }: TrackedFile, { bytes, unconfirmed }: Loss, reason = 'truncated'): void => {
    const tell = (count: number, why: string, message: string): void => {
      if (count === 0) return;
      metrics.shipper_lost_bytes_total.inc({ reason: why }, count);
      log.warn({ path, bytes: count, reason: why }, message);
    };
    tell(bytes - unconfirmed, reason, 'a file went away before it was read to its end');
    tell(unconfirmed, 'unconfirmed', 'a file went away that an earlier process may have sent without an answer');
  };
  const encoding = parameters.FILE_ENCODING;
  const table = new FileTable({ files, registry, log, encoding }, performance.now());
  const tracker = new Tracker({
    globs,
    exclude,
    files,
    table,
    dir: parameters.STATE_DIR,
    startAtEnd: parameters.FILE_START === 'end' && registry.isNew,
    ignoreOlder: parameters.FILE_IGNORE_OLDER,
    scannedAt: registry.scannedAt,
    isFirst: registry.isNew,
    log,
    lost: lose,
  });
  table.save();
  if (table.problem !== undefined && table.problem !== 'ENOSPC')
    throw new ConfigurationError([
      {
        parameter: 'STATE_DIR',
        reason: 'unreadable',
        message: `STATE_DIR: ${parameters.STATE_DIR} cannot be written (${table.problem}); accepted is a directory that this user may write to`,
      },
    ]);
  let failing = false;
  const noted = readiness.check('registry');
  /** What the disk has not taken yet. */
  const unwritten = new Set<TrackedFile>();
  const acknowledge = (trackedFiles: Iterable<TrackedFile>): boolean => {
    for (const each of trackedFiles) unwritten.add(each);
    try {
      if (registry.isBegun) registry.acknowledge(unwritten);
      // While the disk was full since the start, there is none to add to.
      if (!registry.isBegun || registry.long) registry.write(table.trackedFiles);
      unwritten.clear();
      failing = false;
    } catch (error) {
      failing = true;
      // What is delivered meanwhile would be sent again after a crash, with the same ids.
      metrics.shipper_registry_errors_total.inc();
      noted.fail(`the registry cannot be written: ${(error as NodeJS.ErrnoException).code}`);
      log.error({ err: error }, 'the registry cannot be written');
    }
    return !failing;
  };
  const records = (settings: LineSettings): Records => recordsOf(settings, common);
  const reader = new Reader({
    pipelines: new Pipelines(
      entries.map(({ globs, settings }) => ({ globs, records: records(settings) })),
      records(parameters),
    ),
    remember: (tracked) => table.remember(tracked),
    noteEnd: acknowledge,
    encoding,
    limit: parameters.LINE_MAX_BYTES,
    skipped: common.skipped,
  });
  const looked = readiness.check('files', MISSED * parameters.FILE_SCAN_INTERVAL);
  const refusals = new Refusals(log);
  const input = new FileInput({
    table,
    tracker,
    reader,
    files,
    delivery,
    pollInterval: parameters.FILE_POLL_INTERVAL,
    scanInterval: parameters.FILE_SCAN_INTERVAL,
    partialTimeout: parameters.FILE_PARTIAL_TIMEOUT === 0 ? Infinity : parameters.FILE_PARTIAL_TIMEOUT,
    multilineTimeout: parameters.MULTILINE_TIMEOUT,
    linger: parameters.FILE_CLOSE_AFTER,
    deletedTimeout: parameters.FILE_DELETED_TIMEOUT,
    onRead: (lines, bytes) => {
      metrics.shipper_read_total.inc({ input: 'file' }, lines);
      metrics.shipper_read_bytes_total.inc({ input: 'file' }, bytes);
    },
    onScan: () => {
      if (unwritten.size > 0) acknowledge([]);
      const refused = refusals.noted(tracker.refused);
      if (refused === undefined) looked.pass();
      else looked.fail(refused);
      if (table.problem !== undefined) noted.fail(`the registry cannot be written: ${table.problem}`);
      else if (!failing) noted.pass();
      reportFiles(table, tracker, files, metrics, performance.now());
    },
    onLost: lose,
  });
  delivery.onSettled((settled) => {
    const moved = input.settled(settled);
    if (moved.size > 0) acknowledge(moved);
  });
  const stopping = new AbortController();
  void input.run(stopping.signal);
  return {
    stop: () => stopping.abort(),
    close: () => {
      registry.write(table.trackedFiles, true);
      registry.close();
      files.releaseAll();
    },
  };
}

/** What makes the records of files that are treated alike. */
function recordsOf(settings: LineSettings, { parameters, skipped, cut }: Common): Records {
  const { FILE_FORMAT, SERVICE_NAME, STORE_INDEX } = settings;
  const { documents, splitter, members } = createLines(settings, parameters.LINE_MAX_BYTES);
  return new Records({
    documents,
    splitter:
      FILE_FORMAT === 'lines' ? splitter : new ContainerSplitter(FILE_FORMAT as ContainerFormat, splitter.first),
    limit: parameters.LINE_MAX_BYTES,
    members,
    service: member('service.name', SERVICE_NAME),
    ...((isDated(STORE_INDEX) || STORE_INDEX !== parameters.STORE_INDEX) && { index: STORE_INDEX }),
    skipped,
    cut,
  });
}

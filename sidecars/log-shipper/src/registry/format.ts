/**
 * The registry as text: what is known of each tracked file, then how far the store has come since.
 *
 *   1c291ca3 {"format":"log-shipper registry","version":1,"instance":"Zk3…","sequence":7}
 *   9f8e5b20 {"generation":{"id":"…","home":"/logs/app.log",…}}
 *   5d41402a {"generations":1}
 *   77d5e1b0 {"acked":["ID",4096,[4096,256,"DIGEST"]]}
 *   6e3f7a51 {"acked":["ID",4096,[4096,256,"DIGEST"],[5120]]}    the event up to 5120 was ended by time
 *   …        {"acked":["ID",0,[0,0,""],[],null,["EVENT",512]]}    up to 512 it is the end of another file's event
 *
 * Each line begins with the CRC-32 of the rest. All up to the count is written at once, whenever a
 * file comes or goes; the lines after it are added one by one. A process that is killed leaves at
 * most its last line torn, and that one only tells of an acknowledgement.
 */
import type { Head } from '../files/tracked/content.ts';
import type { Carried, Day, TrackedFile } from '../files/tracked/tracked-file.ts';

const { crc32 } = process.getBuiltinModule('node:zlib');

const FORMAT = 'log-shipper registry';
const VERSION = 1;

type SavedHead = readonly [at: number, base64: string];
type SavedCarried = readonly [event: string, end: number, index?: string];
type SavedTail = readonly [at: number, length: number, digest: string];

/** A tracked file as it is remembered. */
export interface SavedFile {
  readonly id: string;
  readonly home: string;
  readonly key: string;
  readonly path: string;
  readonly head: SavedHead;
  readonly acked: number;
  readonly tail: SavedTail;
  readonly copyOf?: string;
  readonly days?: readonly Day[];
  /** None noted by version 1.3.0 and before. */
  readonly ends?: readonly number[];
  /** These two: none noted by version 1.3.0 and before. */
  readonly carried?: SavedCarried;
  readonly seen?: number;
  /** Up to where it was read when the process ended in order; none noted by version 1.10.0 and before, or by one that was killed. */
  readonly read?: number;
}

export interface Saved {
  /** Drawn when the registry was begun; part of every id. */
  readonly instance: string;
  /** How many tracked files there have been. */
  readonly sequence: number;
  /** When the last scan began, in milliseconds since the epoch; none noted by version 1.1.0 and before. */
  readonly scannedAt?: number;
  /** In the order in which they came. */
  readonly trackedFiles: readonly SavedFile[];
}

/** The text cannot be used; `message` says why, as the end of a sentence. */
export class Unusable extends Error {}

/** What is remembered of a tracked file. @param isLast nothing more will be read of it */
export function save(tracked: TrackedFile, isLast: boolean): SavedFile {
  const {
    id,
    home,
    key,
    path,
    head,
    acked,
    ackedTail,
    copyOf,
    days,
    openEnds: ends,
    openCarried: carried,
    seen,
    seenBefore,
    offset,
  } = tracked;
  return {
    id,
    home,
    key,
    path,
    head: saveHead(head),
    acked,
    tail: [ackedTail.at, ackedTail.length, ackedTail.digest],
    ...(copyOf && { copyOf: copyOf.id }),
    ...(days.length > 0 && { days }),
    ...(ends.length > 0 && { ends }),
    ...(carried && { carried: saveCarried(carried) }),
    ...(Math.max(seen, seenBefore) > acked && { seen: Math.max(seen, seenBefore) }),
    ...(isLast && { read: offset }),
  };
}

/** The whole registry. */
export function serialize({ instance, sequence, scannedAt, trackedFiles }: Saved): string {
  return [
    line({ format: FORMAT, version: VERSION, instance, sequence, ...(scannedAt !== undefined && { scannedAt }) }),
    ...trackedFiles.map((tracked) => line({ generation: tracked })),
    line({ generations: trackedFiles.length }),
  ].join('');
}

/**
 * Lines that are added: how far the store has come with some tracked files.
 * @param hasGrown whether more is known of how a file begins than was written
 */
export function serializeAcked(
  trackedFiles: Iterable<TrackedFile>,
  hasGrown: (tracked: TrackedFile) => boolean,
): string {
  let text = '';
  for (const tracked of trackedFiles) {
    const { id, acked, ackedTail, openEnds: ends, openCarried: carried, head } = tracked;
    const tail: SavedTail = [ackedTail.at, ackedTail.length, ackedTail.digest];
    const moved = [id, acked, tail] as const;
    const grown = hasGrown(tracked) ? saveHead(head) : null;
    let entry: Acked = moved;
    if (carried !== undefined) entry = [...moved, ends, grown, saveCarried(carried)];
    else if (grown !== null) entry = [...moved, ends, grown];
    else if (ends.length > 0) entry = [...moved, ends];
    text += line({ acked: entry });
  }
  return text;
}

/**
 * Read a registry.
 * @returns what it remembers; a last line that was torn is left out
 * @throws {Unusable} when it is damaged, or of another version
 */
export function parse(text: string): Saved {
  const lines = text.split('\n');
  lines.pop();
  const header = lines[0] === undefined ? undefined : content(lines[0]);
  if (header?.['format'] !== FORMAT) throw new Unusable('is not a registry, or its first line is damaged');
  if (header['version'] !== VERSION)
    throw new Unusable(`has version ${String(header['version'])} of the format, and this program reads ${VERSION}`);
  const { instance, sequence, scannedAt } = header;
  if (typeof instance !== 'string' || !Number.isSafeInteger(sequence)) throw new Unusable('has no name or no sequence');
  const trackedFiles = new Map<string, SavedFile>();
  let complete = false;
  for (const [index, each] of lines.entries()) {
    if (index === 0) continue;
    const read = content(each);
    if (read === undefined) {
      // A torn line may be followed by nothing that is whole.
      if (!complete || lines.slice(index + 1).some((later) => content(later) !== undefined))
        throw new Unusable(`is damaged in line ${index + 1}`);
      break;
    }
    if (complete) apply(trackedFiles, read['acked'] as Acked);
    else if ('generation' in read) {
      const tracked = read['generation'] as SavedFile;
      trackedFiles.set(tracked.id, tracked);
    } else if (read['generations'] === trackedFiles.size) complete = true;
    else throw new Unusable(`has ${trackedFiles.size} of ${String(read['generations'])} tracked files`);
  }
  if (!complete) throw new Unusable('ends too early');
  return {
    instance,
    sequence: sequence as number,
    ...(typeof scannedAt === 'number' && { scannedAt }),
    trackedFiles: [...trackedFiles.values()],
  };
}

/** The head is there where it has grown; it and what is behind it never in version 1.3.0 and before. */
type Acked = readonly [
  id: string,
  acked: number,
  tail: SavedTail,
  ends?: readonly number[],
  head?: SavedHead | null,
  carried?: SavedCarried,
];

function apply(trackedFiles: Map<string, SavedFile>, [id, acked, tail, ends = [], head, carried]: Acked): void {
  const tracked = trackedFiles.get(id);
  if (tracked === undefined) return;
  const moved = { ...tracked, acked, tail, ends, head: head ?? tracked.head, ...(carried && { carried }) };
  trackedFiles.set(id, moved);
}

const saveCarried = ({ id, end, index }: Carried): SavedCarried => (index === undefined ? [id, end] : [id, end, index]);

/** What a tracked file carries, as it was saved. What is no such note, from another version for one, tells nothing. */
export function readCarried(saved: unknown): Carried | undefined {
  if (!Array.isArray(saved)) return undefined;
  const [id, end, index] = saved as readonly unknown[];
  if (typeof id !== 'string' || !Number.isSafeInteger(end)) return undefined;
  return { id, end: end as number, ...(typeof index === 'string' && { index }) };
}

const saveHead = ({ at, bytes }: Head): SavedHead => [at, bytes.toString('base64')];

function line(value: object): string {
  const json = JSON.stringify(value);
  return `${sum(json)} ${json}\n`;
}

/** What a line says; undefined when its checksum is wrong. */
function content(text: string): Record<string, unknown> | undefined {
  const json = text.slice(9);
  return text.slice(0, 9) === `${sum(json)} ` ? (JSON.parse(json) as Record<string, unknown>) : undefined;
}

function sum(json: string): string {
  return crc32(json).toString(16).padStart(8, '0');
}

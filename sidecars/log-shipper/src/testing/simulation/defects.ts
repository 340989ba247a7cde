/** Defects that the changelog lists, or that a version had before it: each is put back by changing one place of the source. */

export interface Defect {
  /** What went wrong. */
  readonly name: string;
  /** The file, from `src` on. */
  readonly file: string;
  /** What is there once. */
  readonly now: string;
  /** What was there. */
  readonly before: string;
}

const at = (file: string, name: string, now: string, before: string): Defect => ({ file, name, now, before });

const MATCHER = 'files/scan/matcher.ts';
const TRACKER = 'files/scan/tracker.ts';
const ARCHIVES = 'files/scan/archives.ts';
/** The seed that is tried first: from here on, those that `npm test` runs are green without a defect. */
export const FIRST = 1001;

const CONTENT = 'files/tracked/content.ts';
const MATCH = 'files/rotation/match.ts';
const FACTS = 'files/watch/facts.ts';
const SEARCH = 'files/scan/search.ts';
const TABLE = 'files/table/file-table.ts';
const TRACKED_FILE = 'files/tracked/tracked-file.ts';

export const DEFECTS: readonly Defect[] = [
  at(ARCHIVES, '1.2: compressed between two looks', "if (paths === this.#looked) return 'done';", "return 'done';"),
  at(
    MATCHER,
    '1.4: found after its successor',
    'if (found?.next !== undefined) this.#table.putBefore',
    'if (false) this.#table.putBefore',
  ),
  at(
    MATCHER,
    '1.4: an original truncated while its copy is looked at',
    'if (!holds(tracked, of, this.#files.stat(of).size)) this.#table.lose(tracked);',
    '',
  ),
  at(SEARCH, '1.4: a copy shorter than what was read', "|| (plainly === 'short' && known === undefined)", ''),
  at(
    MATCHER,
    '1.4: a copy shorter than what was read, in a scan',
    "if (match(factsOf(tracked, candidate)) !== 'short') continue;",
    'continue;',
  ),
  at(
    'registry/registry.ts',
    '1.4: beginnings not written with acknowledgements',
    '(each) => this.#heads.get(each) !== each.head.bytes.length',
    '() => false',
  ),
  at(
    ARCHIVES,
    '1.4: a compressed file renamed during a scan',
    'moved ? new Map([...this.#known, ...known]) : known;',
    'known;',
  ),
  at(
    SEARCH,
    '1.5: a directory that cannot be listed',
    "return code === 'ENOENT' || code === 'ENOTDIR' ? [] : undefined;",
    'return code === undefined ? undefined : [];',
  ),
  at(
    CONTENT,
    '1.5: truncated just while it was read',
    'return grown.bytes.subarray(0, length).equals(head.bytes) ? grown : head;',
    'return grown;',
  ),
  at(
    'files/scan/beginnings.ts',
    '1.5: begins as its successor does',
    'else if (isSame(current)) return true;',
    'else return true;',
  ),
  at(
    FACTS,
    '1.5: of which only the first bytes were known',
    'return length > known.length && bytes.compare',
    'return false && bytes.compare',
  ),
  at(
    CONTENT,
    '1.7.1: half a line as evidence',
    'return bytes.length >= TELLING || bytes.includes(NEWLINE);',
    'return bytes.length >= 0;',
  ),
  at(
    MATCH,
    '1.7.1: shrank while half a line was known',
    'return size < read || (size < seen && !isTelling);',
    'return size < read;',
  ),
  at(TRACKED_FILE, '1.7.1: a compressed file under way', '`${stat.key} ${stat.size} ${writtenAt(stat)}`', 'stat.key'),
  at(
    MATCHER,
    '1.7.1: a copy beside what cannot be read',
    'if (original === undefined && this.#isBesideUnread(candidate))',
    'if (this.#isBesideUnread === undefined)',
  ),
  at(
    TRACKER,
    '1.9: a scan that was refused a file is complete',
    '!moved && !this.#isWaiting(now);',
    '!moved || this.#isWaiting(now);',
  ),
  at(
    TABLE,
    '1.9: a copy of which nothing is known',
    'this.#reach(copy, stat, head, tail);\n  }\n\n  /** A copy is',
    'this.completeCopy(copy, fd, stat);\n  }\n\n  /** A copy is',
  ),
  at(TABLE, 'read before it is in the registry', '!this.#unsaved.has(tracked)', 'this.#unsaved !== undefined'),
  at(
    TRACKED_FILE,
    'acknowledged before it is stored',
    'if (this.inFlight === 0 && this.offset >= this.acked) {',
    'if (this.inFlight >= 0) {',
  ),
  at(TRACKER, 'a list of files that is out of date', "if (moved && !whatever) return 'moved';", ''),
  at(
    TRACKER,
    'content is not compared where a file grew',
    "if (match(factsOf(tracked, { path: tracked.path, fd, stat })) !== 'same') {",
    "if (match(factsOf(tracked, { path: tracked.path, fd, stat })) === 'truncated') {",
  ),
  at(ARCHIVES, 'a compressed file beside the plain one', "if (isThere(unpackedName(path))) return 'unsure';", ''),
  at(
    'files/table/open-files.ts',
    'what cannot be opened again is closed',
    'others.find(({ detachedAt }) => detachedAt === undefined) ?? others[0]',
    'others[0]',
  ),
  at(
    MATCHER,
    'a copy is a file of its own',
    'if (isCopy(candidate, tracked.home, of, this.#files.stat(of).size)) return tracked;',
    '',
  ),
  at(
    SEARCH,
    'a compressed file is not looked into',
    'const packedly = isUnpackable(compression) ?',
    'const packedly = compression === null ?',
  ),
  at(MATCHER, 'what a new file may be waits for no copy', 'if (current.size < stat.size || !same) return false;', ''),
  at(
    'files/read/reading-place.ts',
    '1.9.1: read while the registry knows half a line',
    'if (isTelling(tracked.head) || head.bytes.length <= tracked.head.bytes.length) return false;',
    'if (tracked.head.bytes.length > 0 || head.bytes.length === 0) return false;',
  ),
  at(
    MATCHER,
    '1.9.1: gone, since its path could not be looked at',
    "(state.is === 'displaced' || !this.#options.mayBeAt(path, now))",
    'true',
  ),
  at(SEARCH, '1.9.1: read by its new name', "stamp !== '' && size > 0", 'size > 0'),
  at(TRACKER, '1.9.1: a file that waits is known by half a line', 'table.lookAtHead(tracked, fd);', ''),
  at(TABLE, '1.9.1: a compressed file that could not be read', 'tracked.notIn.clear();\n    this.lose(tracked);', ''),
  at(
    MATCHER,
    '1.9.1: compressed, and new beside that',
    '|| this.#tried(candidate, () => this.#isBeingPacked(candidate, now), true)',
    '',
  ),
  at(
    MATCHER,
    '1.9.4: no room to unpack what came before',
    '    const since = lookedFor(tracked, now);\n    const found = search(tracked, this.#options, now);\n',
    '    const found = search(tracked, this.#options, now);\n    const since = lookedFor(tracked, now);\n',
  ),
  at(MATCH, '1.9.4: an inode that is used again', 'return isGone && !isTelling && size !== seen;', 'return false;'),
  at(
    SEARCH,
    '1.9.4: of several that begin alike, the last',
    'packed.length === 0 && isDated(tracked) ?',
    'packed === weakPacked ?',
  ),
  at(MATCHER, '1.9.4: removed while a scan looks at it', 'if (current.links === 0) return false;', ''),
  at(
    'registry/format.ts',
    '1.4: which event a file begins with is not in the registry',
    '...(carried && { carried: saveCarried(carried) }),',
    '',
  ),
  at(
    'registry/format.ts',
    '1.4: where events ended is not in the registry',
    'const { id, acked, ackedTail, openEnds: ends, openCarried: carried, head } = tracked;',
    'const { id, acked, ackedTail, openCarried: carried, head } = tracked;\n    const ends: number[] = [];',
  ),
  at(
    'files/read/chunk-scheduler.ts',
    '1.4: ended by time while the next file waits',
    "return isOver && goesOn === false ? 'take' : 'wait';",
    "return isOver ? 'take' : 'wait';",
  ),
  at(
    'files/read/joined-events.ts',
    '1.4: sent before it is noted which event a file begins with',
    "if (!noted && !this.#ends.note([tracked, next], carry)) return 'wait';",
    '',
  ),
  at(
    TRACKED_FILE,
    '1.10: what a killed process may have sent is lost',
    'unconfirmed: Math.min(bytes, Math.max(0, (this.readBefore ?? Infinity) - from))',
    'unconfirmed: 0',
  ),
  at('files/table/open-files.ts', '1.10: grown within a tick', '${stats.ctimeNs}:${stats.size}', '${stats.ctimeNs}'),
  at(
    TRACKER,
    '1.12: half a line as a copy of what is gone',
    "if (of === 'gone' && !isCopyOf(original, fd, stat.size)) table.forgetCopy(copy.key);",
    '',
  ),
  at(
    'files/start.ts',
    '1.12: noted without a registry',
    'if (!registry.isBegun || registry.long)',
    'if (registry.isBegun && registry.long)',
  ),
];

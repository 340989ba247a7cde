/** Names of a simulated file system: paths, directories and symbolic links, and what a power cut takes back of them. */
import { posix } from 'node:path';
import { systemError, type Inode } from './inode.ts';

/** Changes of names that may be lost. */
const MOST_CHANGES = 100;
/** As Linux has it. */
const MOST_LINKS = 40;

/** One change of names, by how it is taken back. */
type Undo =
  | { readonly kind: 'forget' | 'link'; readonly path: string; readonly inode: Inode }
  | { readonly kind: 'move'; readonly from: string; readonly to: string }
  | { readonly kind: 'all'; readonly parts: readonly Undo[] };

interface Change {
  readonly directory: string;
  readonly undo: Undo;
}

export class Tree {
  readonly #now: () => number;
  readonly #names = new Map<string, Inode>();
  /** Names in a directory. */
  readonly #entries = new Map<string, Set<string>>();
  /** Those that changed since their directory was flushed, the last change last. */
  #changes: Change[] = [];
  /** What becomes one change. */
  #step: Undo[] | undefined;
  /** Without one, a path is what it says. */
  #hasLinks = false;
  /** Paths and what they are without links, until a name changes. */
  readonly #resolved = new Map<string, string>();
  /** How many names were given and taken. */
  version = 0;

  /** @param root of all paths @param now microseconds since the epoch */
  constructor(root: Inode, now: () => number) {
    this.#now = now;
    this.link('/', root);
  }

  /** What a path names: a link itself. */
  named(path: string): Inode | undefined {
    return this.#names.get(this.#parentsResolved(path));
  }

  /** What a path leads to. */
  at(path: string): Inode | undefined {
    return this.#names.get(this.resolve(path));
  }

  /** A path without links in it; as far as it leads. */
  resolve(path: string): string {
    if (!this.#hasLinks) return path;
    let resolved = this.#resolved.get(path);
    if (resolved === undefined) this.#resolved.set(path, (resolved = this.#followed(path)));
    return resolved;
  }

  #followed(path: string): string {
    let resolved = this.#parentsResolved(path);
    for (let count = 0; count < MOST_LINKS; count++) {
      const target = this.#names.get(resolved)?.target;
      if (target === undefined) return resolved;
      resolved = this.#parentsResolved(posix.resolve(parentOf(resolved), target));
    }
    throw systemError('ELOOP', 'open', path);
  }

  #parentsResolved(path: string): string {
    if (!this.#hasLinks || path === '/') return path;
    const parent = this.resolve(parentOf(path));
    return `${parent === '/' ? '' : parent}/${posix.basename(path)}`;
  }

  /** All names, with links as such. */
  all(): Iterable<[path: string, inode: Inode]> {
    return this.#names;
  }

  /** Names in a directory; undefined for what is none. */
  list(path: string): string[] | undefined {
    const entries = this.#entries.get(this.resolve(path));
    return entries && [...entries];
  }

  link(path: string, inode: Inode): void {
    const at = this.#parentsResolved(path);
    this.#link(at, inode);
    if (inode.target !== undefined) this.#hasLinks = true;
    this.#note(parentOf(at), { kind: 'forget', path: at, inode });
  }

  /** @returns what it was the name of */
  forget(path: string): Inode | undefined {
    const at = this.#parentsResolved(path);
    const inode = this.#forget(at);
    if (inode !== undefined) this.#note(parentOf(at), { kind: 'link', path: at, inode });
    return inode;
  }

  /** Give what is at a path another name; what is below it comes along. */
  move(from: string, to: string): void {
    const [old, next] = [this.#parentsResolved(from), this.#parentsResolved(to)];
    this.#move(old, next);
    this.#note(parentOf(next), { kind: 'move', from: next, to: old });
  }

  /** Take several changes for one: a power cut leaves what was there before, or what is there now. */
  step(directory: string, change: () => void): void {
    const parts: Undo[] = [];
    this.#step = parts;
    change();
    this.#step = undefined;
    this.#note(this.resolve(directory), { kind: 'all', parts });
  }

  /**
   * A directory was flushed, and with what it says of a directory that moved there all that was changed of that before.
   * @param path absent for all of them
   */
  flush(path?: string): void {
    const flushed = path === undefined ? undefined : this.resolve(path);
    const moved: string[] = [];
    this.#changes = this.#changes
      .toReversed()
      .filter(({ directory, undo }) => {
        const paths = pathsOf(undo);
        const isOf = (above: string): boolean => paths.some((each) => each === above || each.startsWith(`${above}/`));
        const isLasting = flushed === undefined || directory === flushed || moved.some(isOf);
        if (isLasting) moved.push(...movesOf(undo));
        return !isLasting;
      })
      .toReversed();
  }

  /** Lose the last changes. @param kept which part of all of them is left, from 0 to 1 */
  lose(kept: number): void {
    const left = Math.floor(this.#changes.length * kept);
    while (this.#changes.length > left) this.#undo(this.#changes.pop()!.undo);
    this.#changes = [];
  }

  #undo(undo: Undo): void {
    switch (undo.kind) {
      case 'forget':
        if (this.#names.get(undo.path) !== undo.inode) break;
        this.#forget(undo.path);
        undo.inode.links -= 1;
        break;
      // A directory above it that was flushed is not there any more.
      case 'link':
        if (this.#entries.has(parentOf(undo.path))) this.#link(undo.path, undo.inode);
        break;
      case 'move':
        if (this.#names.has(undo.from) && this.#entries.has(parentOf(undo.to))) this.#move(undo.from, undo.to);
        break;
      case 'all':
        for (const part of undo.parts.toReversed()) this.#undo(part);
    }
  }

  #link(path: string, inode: Inode): void {
    const parent = parentOf(path);
    if (path !== '/') {
      const entries = this.#entries.get(parent);
      if (entries === undefined) throw systemError('ENOENT', 'link', path);
      entries.add(posix.basename(path));
      this.#changed(parent);
    }
    this.#renamed();
    this.#names.set(path, inode);
    if (inode.directory) this.#entries.set(path, new Set());
    inode.links += 1;
  }

  #forget(path: string): Inode | undefined {
    const parent = parentOf(path);
    this.#entries.get(parent)?.delete(posix.basename(path));
    this.#changed(parent);
    const inode = this.#names.get(path);
    this.#renamed();
    this.#names.delete(path);
    this.#entries.delete(path);
    return inode;
  }

  #move(from: string, to: string): void {
    const moved = (path: string): string =>
      path === from || path.startsWith(`${from}/`) ? `${to}${path.slice(from.length)}` : path;
    const entries = this.#entries.get(from);
    const inode = this.#forget(from)!;
    inode.links -= 1;
    this.#link(to, inode);
    if (entries === undefined) return;
    this.#entries.set(to, entries);
    for (const map of [this.#names, this.#entries] as Map<string, unknown>[]) {
      for (const [path, value] of map) {
        if (moved(path) === path) continue;
        map.delete(path);
        map.set(moved(path), value);
      }
    }
  }

  #note(directory: string, undo: Undo): void {
    if (this.#step !== undefined) {
      this.#step.push(undo);
      return;
    }
    this.#changes.push({ directory, undo });
    // A disk that nobody cuts off needs none of them.
    if (this.#changes.length > MOST_CHANGES) this.#changes.shift();
  }

  #renamed(): void {
    this.version += 1;
    this.#resolved.clear();
  }

  #changed(directory: string): void {
    const inode = this.#names.get(directory);
    if (inode !== undefined) inode.modified = inode.changed = this.#now();
  }
}

function pathsOf(undo: Undo): readonly string[] {
  if (undo.kind === 'all') return undo.parts.flatMap(pathsOf);
  return undo.kind === 'move' ? [undo.from, undo.to] : [undo.path];
}

/** Where that which has moved was before. */
function movesOf(undo: Undo): readonly string[] {
  if (undo.kind === 'all') return undo.parts.flatMap(movesOf);
  return undo.kind === 'move' ? [undo.to] : [];
}

export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

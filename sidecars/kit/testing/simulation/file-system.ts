/**
 * A file system in memory: inodes whose numbers are used again, names, descriptors. Each call is one step, as a system
 * call is, and fails with the system's codes. What is not on the disk is lost at a crash.
 */
import { systemError, type Inode } from './inode.ts';
import { parentOf, Tree } from './tree.ts';

interface Descriptor {
  readonly inode: Inode;
  readonly path: string;
  readonly append: boolean;
  readonly owner: string;
  position: number;
}

export interface OpenFlags {
  readonly write?: boolean;
  readonly create?: boolean;
  readonly exclusive?: boolean;
  readonly truncate?: boolean;
  readonly append?: boolean;
}

/** The first descriptor: above all that the real system gives. */
export const FIRST_DESCRIPTOR = 1_000_000;

export class FileSystem {
  readonly #now: () => number;
  readonly #told: ((what: string) => void) | undefined;
  readonly #tree: Tree;
  readonly #descriptors = new Map<number, Descriptor>();
  readonly #free: number[] = [];
  #written = 0;
  #nextInode = 11;
  #nextDescriptor = FIRST_DESCRIPTOR;

  /**
   * @param now microseconds since the epoch, as the system dates files
   * @param told of each change, in words
   */
  constructor(now: () => number, told?: (what: string) => void) {
    this.#now = now;
    this.#told = told;
    this.#tree = new Tree(this.#create({ directory: true }), now);
  }

  /** Another number after each change of a name or a content. */
  get version(): number {
    return this.#tree.version + this.#written;
  }

  /** What a path leads to. */
  at(path: string): Inode | undefined {
    return this.#tree.at(path);
  }

  /** What a path names: a link itself. */
  named(path: string): Inode | undefined {
    return this.#tree.named(path);
  }

  /** What a path leads to. @throws ENOENT */
  find(path: string, call = 'stat'): Inode {
    const inode = this.#tree.at(path);
    if (inode === undefined) throw systemError('ENOENT', call, path);
    return inode;
  }

  /** Open a path. @param owner whose descriptor it is; a process that ends closes its own */
  open(path: string, flags: OpenFlags, owner: string, mode = 0o666): number {
    let inode = this.#tree.at(path);
    if (inode === undefined) {
      if (!flags.create) throw systemError('ENOENT', 'open', path);
      inode = this.#create({ mode });
      this.#tree.link(this.#tree.resolve(path), inode);
      this.#told?.(`inode ${inode.number} made as ${path}`);
    } else if (flags.exclusive) throw systemError('EEXIST', 'open', path);
    if (flags.truncate && inode.size > 0) this.#resize(inode, 0);
    inode.open += 1;
    const fd = this.#nextDescriptor++;
    this.#descriptors.set(fd, { inode, path, append: flags.append === true, owner, position: 0 });
    return fd;
  }

  close(fd: number): void {
    const { inode } = this.descriptor(fd, 'close');
    this.#descriptors.delete(fd);
    inode.open -= 1;
    this.#release(inode);
  }

  /** What is open. @throws EBADF */
  descriptor(fd: number, call = 'fstat'): Descriptor {
    const descriptor = this.#descriptors.get(fd);
    if (descriptor === undefined) throw systemError('EBADF', call, String(fd));
    return descriptor;
  }

  /** How many descriptors an owner has. */
  openBy(owner: string): number {
    let count = 0;
    for (const descriptor of this.#descriptors.values()) if (descriptor.owner === owner) count += 1;
    return count;
  }

  /** A process has ended. */
  closeAll(owner: string): void {
    for (const [fd, descriptor] of this.#descriptors) if (descriptor.owner === owner) this.close(fd);
  }

  /** @param position where; without one, where the descriptor is, which moves on */
  read(fd: number, into: Uint8Array, position?: number): number {
    const descriptor = this.descriptor(fd, 'read');
    const { inode } = descriptor;
    if (inode.directory) throw systemError('EISDIR', 'read', descriptor.path);
    const from = position ?? descriptor.position;
    const count = Math.max(0, Math.min(into.length, inode.size - from));
    into.set(inode.bytes.subarray(from, from + count));
    if (position === undefined) descriptor.position += count;
    return count;
  }

  write(fd: number, bytes: Uint8Array, position?: number): number {
    const descriptor = this.descriptor(fd, 'write');
    const { inode, append } = descriptor;
    const from = append ? inode.size : (position ?? descriptor.position);
    this.#put(inode, bytes, from);
    if (position === undefined) descriptor.position = from + bytes.length;
    this.#told?.(`${descriptor.owner} wrote ${bytes.length} to inode ${inode.number}, ${inode.size} now`);
    return bytes.length;
  }

  truncate(inode: Inode, size: number): void {
    this.#resize(inode, size);
  }

  /** All that was written to a file is on the disk; of a directory, its names. */
  sync(fd: number): void {
    const { inode, path } = this.descriptor(fd, 'fsync');
    if (inode.directory) this.#tree.flush(path);
    inode.synced = { bytes: Buffer.from(inode.bytes.subarray(0, inode.size)) };
  }

  /** All of the file system is on the disk. */
  syncAll(): void {
    this.#tree.flush();
    for (const [, inode] of this.#tree.all())
      inode.synced = { bytes: Buffer.from(inode.bytes.subarray(0, inode.size)) };
  }

  mkdir(path: string): void {
    if (this.#tree.named(path) !== undefined) throw systemError('EEXIST', 'mkdir', path);
    this.#tree.link(path, this.#create({ directory: true }));
  }

  symlink(target: string, path: string): void {
    if (this.#tree.named(path) !== undefined) throw systemError('EEXIST', 'symlink', path);
    this.#tree.link(path, this.#create({ target }));
  }

  list(path: string): string[] {
    this.find(path, 'scandir');
    const entries = this.#tree.list(path);
    if (entries === undefined) throw systemError('ENOTDIR', 'scandir', path);
    return entries;
  }

  rename(from: string, to: string): void {
    const inode = this.#findNamed(from, 'rename');
    this.#told?.(`inode ${inode.number} renamed from ${from} to ${to}`);
    const replaced = this.#tree.named(to);
    if (replaced === inode) return;
    if (replaced !== undefined && replaced.directory !== inode.directory)
      throw systemError(replaced.directory ? 'EISDIR' : 'ENOTDIR', 'rename', to);
    if (replaced?.directory && this.list(to).length > 0) throw systemError('ENOTEMPTY', 'rename', to);
    this.#tree.step(parentOf(to), () => {
      if (replaced !== undefined) this.unlink(to);
      this.#tree.move(from, to);
    });
    inode.changed = this.#now();
  }

  /** Two names change places, in one step (RENAME_EXCHANGE of renameat2(2)). */
  exchange(a: string, b: string): void {
    for (const path of [a, b]) this.#findNamed(path, 'renameat2');
    this.#told?.(`${a} and ${b} change places`);
    const between = `${parentOf(a)}/.between`;
    this.#tree.step(parentOf(b), () => {
      this.#tree.move(a, between);
      this.#tree.move(b, a);
      this.#tree.move(between, b);
    });
  }

  link(from: string, to: string): void {
    const inode = this.find(from, 'link');
    if (this.#tree.named(to) !== undefined) throw systemError('EEXIST', 'link', to);
    this.#tree.link(to, inode);
    inode.changed = this.#now();
  }

  unlink(path: string): void {
    const inode = this.#findNamed(path, 'unlink');
    this.#told?.(`inode ${inode.number} unlinked from ${path}`);
    this.#tree.forget(path);
    inode.links -= 1;
    inode.changed = this.#now();
    this.#release(inode);
  }

  /** Remove what a path names, and all below it. */
  remove(path: string): void {
    if (this.#tree.named(path)?.directory) for (const name of this.list(path)) this.remove(`${path}/${name}`);
    this.unlink(path);
  }

  /** All of a file, at once. @param file its path, or a descriptor that nothing was read by yet */
  contentOf(file: string | number): Buffer {
    const { bytes, size } = typeof file === 'number' ? this.descriptor(file, 'read').inode : this.find(file);
    return Buffer.from(bytes.subarray(0, size));
  }

  /** Date a file. @param modified in microseconds since the epoch */
  touch(path: string, modified: number): void {
    const inode = this.find(path, 'utimes');
    inode.modified = modified;
    inode.changed = this.#now();
  }

  /**
   * The power was cut: of what was written to a file since its last fsync, a part is left.
   * @param under whose files
   * @param kept which part of what was added, from 0 to 1
   */
  crash(under: string, kept: () => number): void {
    for (const [path, inode] of this.#tree.all()) {
      if (inode.directory || !path.startsWith(under)) continue;
      const base = inode.synced?.bytes.length ?? 0;
      if (inode.size > base) this.#resize(inode, base + Math.floor((inode.size - base) * kept()));
    }
  }

  /**
   * The power was cut: the last changes of names are lost whose directory was not flushed since.
   * @param kept which part of all of them is left, from 0 to 1
   */
  forgetNames(kept: number): void {
    this.#tree.lose(kept);
  }

  #findNamed(path: string, call: string): Inode {
    const inode = this.#tree.named(path);
    if (inode === undefined) throw systemError('ENOENT', call, path);
    return inode;
  }

  #create(kind: { readonly directory?: boolean; readonly mode?: number; readonly target?: string }): Inode {
    const number = this.#free.pop() ?? this.#nextInode++;
    const now = this.#now();
    const inode = {
      directory: false,
      mode: 0o666,
      ...kind,
      number,
      bytes: Buffer.alloc(0),
      size: 0,
      links: 0,
      open: 0,
    };
    return { ...inode, modified: now, changed: now, synced: undefined };
  }

  #release(inode: Inode): void {
    if (inode.links === 0 && inode.open === 0) this.#free.push(inode.number);
  }

  #put(inode: Inode, bytes: Uint8Array, from: number): void {
    this.#written += 1;
    const end = from + bytes.length;
    if (inode.bytes.length < end) {
      const larger = Buffer.alloc(Math.max(end, inode.bytes.length * 2, 256));
      inode.bytes.copy(larger, 0, 0, inode.size);
      inode.bytes = larger;
    }
    inode.bytes.set(bytes, from);
    inode.size = Math.max(inode.size, end);
    inode.modified = inode.changed = this.#now();
  }

  #resize(inode: Inode, size: number): void {
    this.#written += 1;
    this.#told?.(`inode ${inode.number} truncated from ${inode.size} to ${size}`);
    if (size > inode.size) this.#put(inode, Buffer.alloc(size - inode.size), inode.size);
    inode.bytes.fill(0, size, inode.size);
    inode.size = size;
    inode.modified = inode.changed = this.#now();
  }
}

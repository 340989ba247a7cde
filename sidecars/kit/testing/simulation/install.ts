/**
 * Has Node's own modules ask the machine that is simulated: file system, timers, clocks, random bytes. Nothing of what is
 * tested is changed for it, and nothing is left of it in production.
 *
 * It is imported before what is tested, which takes names out of these modules when it is loaded. While no machine runs,
 * all is as it was; and so are paths outside `ROOT`.
 */
import { syncBuiltinESMExports } from 'node:module';
import { Transform } from 'node:stream';
import { FIRST_DESCRIPTOR, type FileSystem, type OpenFlags } from './file-system.ts';
import { systemError, type Inode } from './inode.ts';
import { Killed, PROCESS, type Machine } from './machine.ts';
import { simulatedTimers, sleep } from './timers.ts';

/** Paths below are the machine's. */
export const ROOT = '/simulated';

const fs = process.getBuiltinModule('node:fs');
const zlib = process.getBuiltinModule('node:zlib');
const crypto = process.getBuiltinModule('node:crypto');
const sleeping = process.getBuiltinModule('node:timers/promises');
const { constants } = fs;

let machine: Machine | undefined;

const turn = setImmediate;

/** Let all promises have their turn that can go on. */
export function settle(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  turn(resolve);
  return promise;
}

/** On which all is now; undefined while none runs. */
export const current = (): Machine | undefined => machine;

export type Path = string | number;

/** Whose a path or descriptor is. */
export function isSimulated(path: unknown): path is Path {
  if (machine === undefined) return false;
  return typeof path === 'number' ? path >= FIRST_DESCRIPTOR : typeof path === 'string' && path.startsWith(ROOT);
}

/** One system call. @returns the file system, as others have left it */
export function call(name: string, path: Path): FileSystem {
  machine!.call(name, String(path));
  return machine!.files;
}

/** Calls that are the machine's when their first argument is one of its own, by name. */
const calls: Record<string, (...given: never[]) => unknown> = {
  openSync: (path: string, flags: string | number = 'r', mode?: number) =>
    call('open', path).open(path, flagsOf(flags), PROCESS, mode),
  closeSync: (fd: number) => call('close', fd).close(fd),
  fstatSync: (fd: number, options?: StatOptions) => statsOf(call('fstat', fd).descriptor(fd).inode, options),
  statSync: (path: string, options: StatOptions = {}) => found(call('stat', path).at(path), path, options),
  lstatSync: (path: string, options: StatOptions = {}) => found(call('lstat', path).named(path), path, options),
  accessSync: (path: string) => void call('access', path).find(path, 'access'),
  existsSync: (path: string) => call('stat', path).at(path) !== undefined,
  readSync: (fd: number, buffer: Uint8Array, offset = 0, length = buffer.length - offset, position?: number | null) =>
    call('read', fd).read(fd, buffer.subarray(offset, offset + length), position ?? undefined),
  writeSync: (fd: number, data: Uint8Array | string, offset?: number, length?: number, position?: number | null) => {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data.subarray(offset ?? 0, end(offset, length));
    return call('write', fd).write(fd, bytes, position ?? undefined);
  },
  fsyncSync: (fd: number) => call('fsync', fd).sync(fd),
  ftruncateSync: (fd: number, size = 0) => {
    const files = call('ftruncate', fd);
    files.truncate(files.descriptor(fd).inode, size);
  },
  mkdirSync: (path: string, options: { recursive?: boolean } = {}) => {
    const files = call('mkdir', path);
    const parts = path.split('/').slice(1);
    for (const [at] of parts.entries()) {
      const each = `/${parts.slice(0, at + 1).join('/')}`;
      const isLast = at === parts.length - 1;
      if (files.at(each) === undefined) files.mkdir(each);
      else if (isLast && !options.recursive) throw systemError('EEXIST', 'mkdir', path);
    }
  },
  readdirSync: (path: string, options: { withFileTypes?: boolean } = {}) => {
    const files = call('scandir', path);
    const names = files.list(path);
    if (!options.withFileTypes) return names;
    return names.map((name) => ({ name, parentPath: path, ...kindOf(files.named(`${path}/${name}`)!) }));
  },
  renameSync: (from: string, to: string) => call('rename', from).rename(from, to),
  unlinkSync: (path: string) => call('unlink', path).unlink(path),
  rmSync,
  symlinkSync: (target: string, path: string) => call('symlink', path).symlink(target, path),
  readlinkSync: (path: string) => {
    const { target } = found(call('readlink', path).named(path), path, {}) as { target?: string };
    if (target === undefined) throw systemError('EINVAL', 'readlink', path);
    return target;
  },
  chmodSync: (path: string, mode: number) => void (call('chmod', path).find(path).mode = mode),
  copyFileSync: (from: string, to: string) => {
    const bytes = call('read', from).contentOf(from);
    const files = call('write', to);
    const fd = files.open(to, flagsOf('w'), PROCESS);
    files.write(fd, bytes);
    files.close(fd);
  },
  mkdtempSync: (prefix: string) => {
    const path = `${prefix}${machine!.random.bytes(3).toString('hex')}`;
    call('mkdir', path).mkdir(path);
    return path;
  },
  readFileSync: (path: Path, options?: BufferEncoding | { encoding?: BufferEncoding }) => {
    const bytes = call('read', path).contentOf(path);
    const encoding = typeof options === 'string' ? options : options?.encoding;
    return encoding === undefined ? bytes : bytes.toString(encoding);
  },
  writeFileSync: (path: string, data: string | Uint8Array, options: { mode?: number } = {}) => {
    const files = call('write', path);
    const fd = files.open(path, flagsOf('w'), PROCESS, options.mode);
    files.write(fd, typeof data === 'string' ? Buffer.from(data) : data);
    files.close(fd);
  },
  fdatasync: (fd: number, done: Done) => later(done, () => call('fdatasync', fd).sync(fd)),
  close: (fd: number, done: Done = () => {}) => later(done, () => call('close', fd).close(fd)),
  read: (fd: number, buffer: Uint8Array, offset: number, length: number, position: number | null, done: Done) =>
    later(
      done,
      () => call('read', fd).read(fd, buffer.subarray(offset, offset + length), position ?? undefined),
      buffer,
    ),
};

/** What is below a path goes name by name, each in a call of its own. */
function rmSync(path: string, options: { recursive?: boolean; force?: boolean } = {}): void {
  const files = call('lstat', path);
  const inode = files.named(path);
  if (inode === undefined && options.force) return;
  if (inode?.directory) {
    if (!options.recursive) throw systemError('ERR_FS_EISDIR', 'rm', path);
    for (const name of call('scandir', path).list(path)) rmSync(`${path}/${name}`, options);
  }
  call('unlink', path).unlink(path);
}

/** @throws ENOENT, unless the options say that nothing is thrown */
export function found(inode: Inode | undefined, path: string, options: StatOptions): object | undefined {
  if (inode !== undefined) return { ...statsOf(inode, options), target: inode.target };
  if (options.throwIfNoEntry === false) return undefined;
  throw systemError('ENOENT', 'stat', path);
}

type Done = (error: unknown, ...results: unknown[]) => void;

export interface StatOptions {
  readonly bigint?: boolean;
  readonly throwIfNoEntry?: boolean;
}

const end = (offset = 0, length?: number): number | undefined => (length === undefined ? undefined : offset + length);

/** What the system does beside the process, which hears of it later. */
export function later(done: Done, run: () => unknown, ...more: unknown[]): void {
  machine!.immediate(() => {
    let result: unknown;
    try {
      result = run();
    } catch (error) {
      if (error instanceof Killed) throw error;
      return done(error);
    }
    done(null, result, ...more);
  });
}

export function flagsOf(flags: string | number): OpenFlags {
  if (typeof flags === 'string') {
    const [first] = flags;
    if (first === 'r') return { write: flags.includes('+') };
    const made = { write: true, create: true, exclusive: flags.includes('x') };
    return first === 'a' ? { ...made, append: true } : { ...made, truncate: true };
  }
  const has = (flag: number): boolean => (flags & flag) !== 0;
  return {
    write: has(constants.O_WRONLY | constants.O_RDWR),
    create: has(constants.O_CREAT),
    exclusive: has(constants.O_EXCL),
    truncate: has(constants.O_TRUNC),
    append: has(constants.O_APPEND),
  };
}

const kindOf = ({ directory, target }: Inode): object => ({
  isFile: () => !directory && target === undefined,
  isDirectory: () => directory,
  isSymbolicLink: () => target !== undefined,
});

/** As `stat` tells it; numbers of 64 bits where they are asked for. */
export function statsOf(inode: Inode, { bigint = false }: StatOptions = {}): object {
  const { number, size, links, modified, changed, mode } = inode;
  const plain = kindOf(inode);
  if (!bigint)
    return {
      ...plain,
      dev: 1,
      ino: number,
      size,
      nlink: links,
      mode,
      uid: 0,
      gid: 0,
      mtimeMs: modified / 1000,
      ctimeMs: changed / 1000,
    };
  return {
    ...plain,
    dev: 1n,
    ino: BigInt(number),
    size: BigInt(size),
    nlink: BigInt(links),
    mtimeNs: BigInt(modified) * 1000n,
    ctimeNs: BigInt(changed) * 1000n,
    ctimeMs: BigInt(Math.floor(changed / 1000)),
  };
}

/** Put what asks the machine in the place of a module's function. */
export function replace(module: object, name: string, simulated: (real: Function, given: unknown[]) => unknown): void {
  const real = Reflect.get(module, name) as Function;
  const value = (...given: unknown[]): unknown => simulated(real, given);
  // `realpath.native` and the like.
  Object.defineProperties(value, Object.getOwnPropertyDescriptors(real));
  // Some of zlib's cannot be written to.
  Reflect.defineProperty(module, name, { value, configurable: true, enumerable: true, writable: true });
}

/**
 * Refuse what the machine does not have: the real call would go to the real disk, and a seed would no longer be one run.
 * @param module `fs` or `fs/promises`
 * @param has names of the calls that the machine has
 */
export function refuseOthers(module: object, has: Iterable<string>): void {
  const known = new Set(has);
  for (const [name, real] of Object.entries(module) as [string, unknown][]) {
    if (typeof real !== 'function' || !/^[a-z]/.test(name) || known.has(name)) continue;
    replace(module, name, (_real, given) => {
      const own = given.slice(0, 2).find(isSimulated);
      if (own === undefined) return Reflect.apply(real, module, given) as unknown;
      const error = new Error(`the simulated machine has no ${name}(${own})`);
      // Who called may take it for a fault of the disk, and go on.
      machine!.thrown.push(error);
      throw error;
    });
  }
}

for (const [name, simulated] of Object.entries(calls)) {
  replace(fs, name, (real, given) =>
    isSimulated(given[name === 'symlinkSync' ? 1 : 0])
      ? (simulated as Function)(...given)
      : (Reflect.apply(real, fs, given) as unknown),
  );
}
replace(fs, 'readlinkSync', (real, given) => {
  const fd = Number(/^\/proc\/self\/fd\/(\d+)$/.exec(String(given[0]))?.[1]);
  return isSimulated(fd) ? call('readlink', fd).descriptor(fd).path : (Reflect.apply(real, fs, given) as unknown);
});
refuseOthers(fs, Object.keys(calls));
replace(crypto, 'randomBytes', (real, given) =>
  machine === undefined ? Reflect.apply(real, crypto, given) : machine.random.bytes(given[0] as number),
);
// Real ones work in threads, and end whenever they do.
replace(zlib, 'createGunzip', (real, given) =>
  machine === undefined ? Reflect.apply(real, zlib, given) : gunzipAtEnd(),
);
replace(sleeping, 'setTimeout', (real, given) =>
  machine === undefined
    ? Reflect.apply(real, sleeping, given)
    : sleep(machine, given[0] as number, given[1], (given[2] as { signal?: AbortSignal } | undefined)?.signal),
);
syncBuiltinESMExports();

function gunzipAtEnd(): Transform {
  const pieces: Buffer[] = [];
  return new Transform({
    transform: (piece: Buffer, _encoding, done) => {
      pieces.push(piece);
      done();
    },
    flush(done) {
      const packed = Buffer.concat(pieces);
      try {
        done(null, zlib.gunzipSync(packed));
      } catch (error) {
        // What comes before the damage, or before the end that is not there yet.
        this.push(zlib.gunzipSync(packed, { finishFlush: zlib.constants.Z_SYNC_FLUSH }));
        done(error as Error);
      }
    },
  });
}

const ignored = (error: unknown): void => {
  if (!(error instanceof Killed)) machine?.thrown.push(error);
};

/**
 * Let everything in this process be on a machine, until it is done.
 * @param on the machine
 * @param work starts programs and lets time pass
 */
export async function onMachine<T>(on: Machine, work: () => Promise<T>): Promise<T> {
  const globals = simulatedTimers(on);
  const before = Object.fromEntries(
    Object.keys(globals).map((name) => [name, Reflect.get(globalThis, name) as unknown]),
  );
  const { now } = Date;
  const { random } = Math;
  const { pid, hrtime } = process;
  const handlers = process.listeners('unhandledRejection');
  machine = on;
  Object.assign(globalThis, globals);
  Date.now = () => Math.floor(on.wallClock);
  Math.random = () => on.random.next();
  performance.now = () => on.now;
  process.hrtime = Object.assign((): [number, number] => [0, 0], { bigint: () => BigInt(Math.round(on.now * 1e6)) });
  Reflect.defineProperty(process, 'pid', { value: 7, configurable: true });
  process.removeAllListeners('unhandledRejection').on('unhandledRejection', ignored);
  try {
    return await work();
  } finally {
    await settle();
    machine = undefined;
    Object.assign(globalThis, before);
    Date.now = now;
    Math.random = random;
    process.hrtime = hrtime;
    Reflect.defineProperty(process, 'pid', { value: pid, configurable: true });
    // What it had before is its prototype's.
    Reflect.deleteProperty(performance, 'now');
    process.removeListener('unhandledRejection', ignored);
    for (const handler of handlers) process.on('unhandledRejection', handler);
  }
}

/**
 * Has `node:fs/promises` ask the machine, too: each call is done beside the process, which may be killed before it hears
 * of it. It is imported in place of install.ts, which it imports first.
 */
import { syncBuiltinESMExports } from 'node:module';
import {
  call,
  flagsOf,
  found,
  isSimulated,
  later,
  refuseOthers,
  replace,
  statsOf,
  type Path,
  type StatOptions,
} from './install.ts';
import { PROCESS } from './machine.ts';

const fs = process.getBuiltinModule('node:fs');
const promises = process.getBuiltinModule('node:fs/promises');

/** Do a system call beside the process. */
function beside<T>(run: () => T): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  later((error, result) => (error ? reject(error as Error) : resolve(result as T)), run);
  return promise;
}

type Data = string | Uint8Array;
type Encoding = BufferEncoding | { readonly encoding?: BufferEncoding };

/** What may be torn is written in two pieces. */
async function write(fd: number, data: Data): Promise<void> {
  const bytes = typeof data === 'string' ? Buffer.from(data) : data;
  const middle = Math.ceil(bytes.length / 2);
  for (const piece of [bytes.subarray(0, middle), bytes.subarray(middle)])
    await beside(() => call('write', fd).write(fd, piece));
}

const opened = (path: string, flags: string | number, mode?: number): Promise<number> =>
  beside(() => call('open', path).open(path, flagsOf(flags), PROCESS, mode));
const closed = (fd: number): Promise<void> => beside(() => call('close', fd).close(fd));

/** A handle, as much as is used of it. */
const handleOf = (fd: number): object => ({
  fd,
  writeFile: (data: Data) => write(fd, data),
  stat: (options?: StatOptions) => beside(() => statsOf(call('fstat', fd).descriptor(fd).inode, options)),
  chmod: (mode: number) => beside(() => void (call('fchmod', fd).descriptor(fd).inode.mode = mode)),
  sync: () => beside(() => call('fsync', fd).sync(fd)),
  close: () => closed(fd),
});

const statOf = (path: string, options?: StatOptions): Promise<object> =>
  beside(() => statsOf(call('stat', path).find(path), options));

const calls: Record<string, (...given: never[]) => Promise<unknown>> = {
  open: async (path: string, flags: string | number = 'r', mode?: number) => handleOf(await opened(path, flags, mode)),
  stat: statOf,
  lstat: (path: string, options?: StatOptions) =>
    beside(() => found(call('lstat', path).named(path), path, options ?? {})!),
  readFile: (path: Path, options?: Encoding) =>
    beside(() => {
      const bytes = call('read', path).contentOf(path);
      const encoding = typeof options === 'string' ? options : options?.encoding;
      return encoding === undefined ? bytes : bytes.toString(encoding);
    }),
  writeFile: async (path: string, data: Data, options: { readonly mode?: number } = {}) => {
    const fd = await opened(path, 'w', options.mode);
    try {
      await write(fd, data);
    } finally {
      await closed(fd);
    }
  },
  readdir: (path: string) => beside(() => call('scandir', path).list(path)),
  rename: (from: string, to: string) => beside(() => call('rename', from).rename(from, to)),
  link: (from: string, to: string) => beside(() => call('link', from).link(from, to)),
  unlink: (path: string) => beside(() => call('unlink', path).unlink(path)),
  mkdir: (path: string, options?: { readonly recursive?: boolean }) => beside(() => fs.mkdirSync(path, options)),
};

for (const [name, simulated] of Object.entries(calls)) {
  replace(promises, name, (real, given) =>
    isSimulated(given[0])
      ? (simulated as (...all: unknown[]) => unknown)(...given)
      : (Reflect.apply(real, promises, given) as unknown),
  );
}
refuseOthers(promises, Object.keys(calls));
syncBuiltinESMExports();

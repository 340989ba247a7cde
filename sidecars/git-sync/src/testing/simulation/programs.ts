/** The programs that git-sync runs, beside git: those of the system, and a gate. */
import type { FileSystem } from '#kit/testing/simulation/file-system.ts';
import type { Executable, Execution } from '#kit/testing/simulation/processes.ts';
import { parentOf } from '#kit/testing/simulation/tree.ts';

/** What a call of a program takes, in milliseconds. */
export const step = ({ machine }: Execution): number => machine.random.between(0.05, 1.5);

/** All below a directory, files and directories, without the directory itself; parents come first. */
export function below(files: FileSystem, directory: string): string[] {
  return files.list(directory).flatMap((name) => {
    const path = `${directory}/${name}`;
    return files.named(path)?.directory ? [path, ...below(files, path)] : [path];
  });
}

/** Make a directory and those above it. */
export function makeDirectory(files: FileSystem, path: string): void {
  if (files.named(path) !== undefined) return;
  makeDirectory(files, parentOf(path));
  files.mkdir(path);
}

/** Write a file in two pieces. @returns false where the disk is full or bad */
export function* write(run: Execution, path: string, content: string): Generator<number, boolean, void> {
  const { files } = run.machine;
  if (run.machine.fault?.('write', path) !== undefined) return false;
  const fd = files.open(path, { write: true, create: true, truncate: true }, run.owner);
  const bytes = Buffer.from(content);
  const middle = Math.ceil(bytes.length / 2);
  for (const piece of [bytes.subarray(0, middle), bytes.subarray(middle)]) {
    yield step(run);
    if (run.machine.fault?.('write', path) !== undefined) {
      files.close(fd);
      return false;
    }
    files.write(fd, piece);
  }
  files.close(fd);
  return true;
}

const full = (run: Execution, path: string): number => {
  run.stderr(`${path}: No space left on device\n`);
  return 1;
};

/** What is after `--`. */
const operands = ({ argv }: Execution): readonly string[] => argv.slice(argv.indexOf('--') + 1);

/** By name. */
export const PROGRAMS: Readonly<Record<string, Executable>> = {
  *rm(run) {
    const { files } = run.machine;
    for (const path of operands(run)) {
      if (files.named(path) === undefined) continue;
      const all = files.named(path)!.directory ? [path, ...below(files, path)] : [path];
      for (const each of all.toReversed()) {
        yield step(run);
        if (files.named(each) !== undefined) files.unlink(each);
      }
    }
    return 0;
  },
  *cp(run) {
    const { files } = run.machine;
    const [from = '', to = ''] = operands(run);
    for (const path of below(files, from)) {
      yield step(run);
      const other = `${to}${path.slice(from.length)}`;
      const inode = files.named(path);
      if (inode === undefined) return 1;
      if (run.machine.fault?.('link', other) !== undefined) return full(run, other);
      if (inode.directory) files.mkdir(other);
      else files.link(path, other);
    }
    return 0;
  },
  // Of `protect` alone: it takes the right to write from files.
  *find(run) {
    const { files } = run.machine;
    for (const path of below(files, run.argv[0]!)) {
      const inode = files.named(path);
      if (inode === undefined || inode.directory) continue;
      yield step(run);
      inode.mode &= 0o555;
    }
    return 0;
  },
  *mv(run) {
    yield step(run);
    const [from = '', to = ''] = operands(run);
    run.machine.files.exchange(from, to);
    return 0;
  },
  *chmod(run) {
    yield step(run);
    return 0;
  },
  *sync(run) {
    yield run.machine.random.between(5, 200);
    run.machine.files.syncAll();
    return 0;
  },
  /** Builds something in the version, and refuses what says so; the disk is well to it, since a no is a no. */
  *gate(run) {
    const { files, random } = run.machine;
    yield random.between(1, 500);
    const kind = files.at(`${run.cwd}/kind`);
    if (kind === undefined) return 2;
    const isRefused = String(files.contentOf(`${run.cwd}/kind`)) === 'refused';
    const fd = files.open(`${run.cwd}/built`, { write: true, create: true, truncate: true }, run.owner);
    files.write(fd, Buffer.from(`by ${run.env['GITSYNC_HASH']}\n`));
    files.close(fd);
    yield step(run);
    if (isRefused) run.stdout('it is not good enough\n');
    return isRefused ? 1 : 0;
  },
};

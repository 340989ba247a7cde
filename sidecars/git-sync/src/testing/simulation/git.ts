/**
 * git, as much of it as git-sync uses: objects are packs of one commit each, an index is what it last wrote. It works step by
 * step, leaves locks and pieces behind when it is killed, and says what git says when something is wrong.
 */
import { crc32 } from 'node:zlib';
import type { FileSystem } from '#kit/testing/simulation/file-system.ts';
import type { Executable, Execution } from '#kit/testing/simulation/processes.ts';
import { parentOf } from '#kit/testing/simulation/tree.ts';
import { below, makeDirectory, step, write } from './programs.ts';
import type { Commit, Server } from './server.ts';

const TIP = 'refs/gitsync/tip';

/** What an index has of a file. */
interface Entry {
  readonly content: string;
  readonly inode: number;
}
type Index = Record<string, Entry>;

/** A sentence on stderr, and the status with which git ends. */
function fatal({ stderr }: Execution, sentence: string, status = 128): number {
  stderr(`fatal: ${sentence}\n`);
  return status;
}

/** A text with its checksum, so that a piece of it is known as such. */
const sealed = (value: unknown): string => {
  const text = JSON.stringify(value);
  return `${text}\n${crc32(text)}\n`;
};

/** The value; undefined for a piece of one. */
function opened<T>({ machine: { files } }: Execution, path: string): T | undefined {
  const [text = '', sum] = String(files.contentOf(path)).split('\n');
  return sum !== undefined && Number(sum) === crc32(text) ? (JSON.parse(text) as T) : undefined;
}

/** Write a file by a lock beside it. @returns git's status: 0 where it is written */
function* replaceFile(run: Execution, path: string, content: string): Generator<number, number, void> {
  const { files } = run.machine;
  const lock = `${path}.lock`;
  makeDirectory(run.machine.files, parentOf(path));
  if (files.named(lock) !== undefined) return fatal(run, `Unable to create '${lock}': File exists.`);
  if (!(yield* write(run, lock, content))) {
    if (files.named(lock) !== undefined) files.unlink(lock);
    return fatal(run, `unable to write new index file`);
  }
  yield step(run);
  files.rename(lock, path);
  return 0;
}

/** A commit among the objects; undefined where it is not, or is damaged. */
function commitOf(run: Execution, hash: string): Commit | undefined {
  const { files } = run.machine;
  const packs = `${run.env['GIT_DIR']}/objects/pack`;
  if (files.at(packs) === undefined) return undefined;
  for (const name of files.list(packs)) {
    if (!name.endsWith('.pack')) continue;
    const commit = opened<Commit>(run, `${packs}/${name}`);
    if (commit?.hash === hash) return commit;
  }
  return undefined;
}

function* addPack(run: Execution, commit: Commit, isCut: boolean): Generator<number, number, void> {
  const { files, random } = run.machine;
  const packs = `${run.env['GIT_DIR']}/objects/pack`;
  makeDirectory(run.machine.files, packs);
  const temporary = `${packs}/tmp_pack_${random.bytes(3).toString('hex')}`;
  const text = sealed(commit);
  if (!(yield* write(run, temporary, isCut ? text.slice(0, text.length / 2) : text)))
    return fatal(run, `write error: No space left on device`);
  if (isCut) return fatal(run, 'early EOF');
  yield step(run);
  files.rename(temporary, `${packs}/pack-${commit.hash}.pack`);
  return 0;
}

/** The commit a ref is at, by its name or hash. */
function resolve(run: Execution, name: string): string | undefined {
  if (name !== TIP) return name;
  const { files } = run.machine;
  const path = `${run.env['GIT_DIR']}/${TIP}`;
  return files.at(path) && String(files.contentOf(path)).trim();
}

/** @returns undefined for a damaged one */
function indexOf(run: Execution): Index | undefined {
  const path = run.env['GIT_INDEX_FILE']!;
  return run.machine.files.at(path) === undefined ? {} : opened<Index>(run, path);
}

type Command = (run: Execution, args: readonly string[]) => Generator<number, number, void>;

/** By name; what is asked of the server is its own. */
const commands = (server: Server): Readonly<Record<string, Command>> => ({
  *init(run) {
    const directory = run.env['GIT_DIR']!;
    for (const name of ['', '/objects', '/objects/pack', '/refs', '/info']) {
      makeDirectory(run.machine.files, `${directory}${name}`);
      yield step(run);
    }
    return (yield* write(run, `${directory}/HEAD`, 'ref: refs/heads/main\n')) ? 0 : fatal(run, 'unable to write file');
  },

  *'ls-remote'(run) {
    const { answer, after } = server.answer();
    yield after;
    if (answer === 'fails') return fatal(run, 'unable to access it: Could not resolve host: git.test');
    if (answer === 'cut') return fatal(run, 'the remote end hung up unexpectedly');
    run.stdout(`${server.tip.hash}\trefs/heads/main\n`);
    return 0;
  },

  *fetch(run) {
    const { answer, after } = server.answer();
    yield after;
    if (answer === 'fails') return fatal(run, 'unable to access it: Failed to connect to git.test');
    const commit = server.tip;
    if (commitOf(run, commit.hash) === undefined) {
      const status = yield* addPack(run, commit, answer === 'cut');
      if (status !== 0) return status;
    }
    return yield* replaceFile(run, `${run.env['GIT_DIR']}/${TIP}`, `${commit.hash}\n`);
  },

  *'rev-parse'(run, args) {
    yield step(run);
    const hash = resolve(run, args.at(-1)!.replace('^{commit}', ''));
    if (hash === undefined) return 1;
    if (!/^[0-9a-f]{40}$/.test(hash)) return fatal(run, `bad object ${TIP}`);
    if (commitOf(run, hash) === undefined) return args.at(-1)!.startsWith(TIP) ? fatal(run, `bad object ${hash}`) : 1;
    run.stdout(`${hash}\n`);
    return 0;
  },

  /** `--reset -u`: what is not as the commit has it is replaced, and never written into. */
  *'read-tree'(run, args) {
    const { files } = run.machine;
    const commit = commitOf(run, args.at(-1)!);
    if (commit === undefined) return fatal(run, `unable to read tree ${args.at(-1)}`);
    const index = indexOf(run);
    if (index === undefined) return fatal(run, 'index file corrupt');
    const tree = run.env['GIT_WORK_TREE']!;
    for (const path of Object.keys(index)) {
      if (commit.files[path] !== undefined) continue;
      yield step(run);
      if (files.named(`${tree}/${path}`)) files.unlink(`${tree}/${path}`);
      for (let above = parentOf(`${tree}/${path}`); above !== tree && isEmpty(files, above); above = parentOf(above))
        files.unlink(above);
    }
    const next: Index = {};
    for (const [path, content] of Object.entries(commit.files)) {
      const at = `${tree}/${path}`;
      const there = files.named(at);
      const known = index[path];
      if (there === undefined || known?.content !== content || known.inode !== there.number) {
        yield step(run);
        if (there !== undefined) files.remove(at);
        makeDirectory(run.machine.files, parentOf(at));
        if (!(yield* write(run, at, content))) return fatal(run, `unable to write file ${path}`);
      }
      next[path] = { content, inode: files.named(at)!.number };
    }
    return yield* replaceFile(run, run.env['GIT_INDEX_FILE']!, sealed(next));
  },

  /** No commit here has attributes. */
  *'diff-index'(run) {
    yield step(run);
    return 0;
  },

  /** What is not in the index goes. */
  *clean(run) {
    const { files } = run.machine;
    const index = indexOf(run) ?? {};
    const tree = run.env['GIT_WORK_TREE']!;
    const known = Object.keys(index).map((path) => `${tree}/${path}`);
    for (const path of below(files, tree).toReversed()) {
      if (files.named(path) === undefined || known.some((each) => each === path || each.startsWith(`${path}/`)))
        continue;
      yield step(run);
      files.remove(path);
    }
    return 0;
  },

  *'update-index'(run) {
    const index = indexOf(run);
    if (index === undefined) return fatal(run, 'index file corrupt');
    return yield* replaceFile(run, run.env['GIT_INDEX_FILE']!, sealed(index));
  },

  *gc(run) {
    const { files } = run.machine;
    const packs = `${run.env['GIT_DIR']}/objects/pack`;
    const tip = resolve(run, TIP);
    for (const name of files.at(packs) ? files.list(packs) : []) {
      if (!name.endsWith('.pack') || name === `pack-${tip}.pack`) continue;
      yield step(run);
      files.unlink(`${packs}/${name}`);
    }
    return 0;
  },

  *fsck(run) {
    yield step(run);
    const tip = resolve(run, TIP);
    return tip === undefined || commitOf(run, tip) !== undefined ? 0 : fatal(run, 'missing tree', 1);
  },
});

function isEmpty(files: FileSystem, path: string): boolean {
  return files.named(path)?.directory === true && files.list(path).length === 0;
}

/** git of a machine. */
export function gitOf(server: Server): Executable {
  const all = commands(server);
  return function* (run) {
    const args = [...run.argv];
    while (args[0] === '-c') args.splice(0, 2);
    const command = all[args[0]!];
    if (command === undefined) return fatal(run, `the simulation has no git ${args[0]}`);
    yield step(run);
    return yield* command(run, args.slice(1));
  };
}

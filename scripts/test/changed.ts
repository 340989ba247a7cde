/** What a change can reach: test files by imports, stacks by the parts that they are made of. */
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { importedPath } from '../lib/imports.ts';
import { run } from '../lib/run.ts';

/** An import, or the name of a program that a test starts. */
const MENTIONED = /['"`]([^'"`\s]+\.ts)['"`]/g;
/** Tests that hold for every file. */
const HOUSE = /^scripts\/(?:lint|contract\/check|test)\/[^/]+\.test\.ts$|^scripts\/lib\/stacks\.test\.ts$/;

export interface Reached {
  /** Test files, sorted; those that need an engine too. */
  readonly tests: readonly string[];
  readonly stacks: readonly string[];
}

export interface Tree {
  /** Every file of the project, relative to its root. */
  readonly files: readonly string[];
  readonly read: (path: string) => string;
}

/**
 * Follow a change.
 * @param changed files relative to the root, also such as are gone
 */
export function reachedBy(changed: readonly string[], { files, read }: Tree): Reached {
  const sources = files.filter((file) => file.endsWith('.ts'));
  const known = new Set(sources);
  const users = new Map<string, string[]>();
  const texts = new Map(sources.map((file) => [file, read(file)]));
  for (const [file, text] of texts)
    for (const [, name = ''] of text.matchAll(MENTIONED)) {
      const path = importedPath(file, name);
      if (known.has(path) || changed.includes(path)) users.set(path, [...(users.get(path) ?? []), file]);
    }
  // What is no module reaches those that speak of it by name, in its own room.
  const others = changed.filter((file) => !file.endsWith('.ts'));
  const bySpeaking = [...texts]
    .filter(([file, text]) => others.some((each) => roomOf(each) === roomOf(file) && text.includes(basename(each))))
    .map(([file]) => file);
  const reached = new Set([...changed, ...bySpeaking]);
  for (const file of reached) for (const user of users.get(file) ?? []) reached.add(user);
  const rooms = new Set([...reached].map(roomOf));
  return {
    tests: sources.filter((file) => file.endsWith('.test.ts') && (reached.has(file) || HOUSE.test(file))).toSorted(),
    stacks: stacksOf(rooms, files, read),
  };
}

/** `sidecars/tls` of all that is in it. */
const roomOf = (path: string): string => path.split('/').slice(0, 2).join('/');

/** Stacks with a part in one of the rooms: a service of the catalogue, or a folder that is built. */
function stacksOf(rooms: ReadonlySet<string>, files: readonly string[], read: (path: string) => string): string[] {
  const found = new Set<string>();
  for (const file of files) {
    const [, stack] = /^stacks\/([^/]+)\/compose[^/]*\.yaml$/.exec(file) ?? [];
    if (stack === undefined) continue;
    const text = read(file);
    const parts = [...text.matchAll(/service: ([a-z-]+)/g)].flatMap(([, part]) => [
      `sidecars/${part}`,
      `legacy-apps/${part}`,
    ]);
    const built = [...text.matchAll(/context: \.\.\/\.\.\/([a-z-]+\/[a-z-]+)/g)].map(([, path]) => path!);
    if ([`stacks/${stack}`, ...parts, ...built].some((room) => rooms.has(room))) found.add(stack);
  }
  return [...found].toSorted();
}

/**
 * Files that differ from a git ref, with those that git does not know yet.
 * @throws {Error} when it is no ref
 */
export async function changedSince(ref: string, root: string): Promise<string[]> {
  const git = async (...args: string[]): Promise<string[]> => {
    const { exitCode, stdout, stderr } = await run('git', args, { cwd: root });
    if (exitCode !== 0) throw new Error(`git ${args[0]}: ${stderr.trim().split('\n')[0]}`);
    return stdout.split('\0').filter((each) => each !== '');
  };
  const known = await git('diff', '--name-only', '-z', '--no-renames', ref, '--');
  return [...known, ...(await git('ls-files', '--others', '--exclude-standard', '-z'))];
}

/** The project's files as they are. */
export const treeOf = (root: string): Tree => ({
  files: globSync('{scripts,servers,sidecars,stacks,tools,workshop}/**/*.{ts,yaml}', {
    cwd: root,
    exclude: ['**/node_modules/**', '**/dist/**', '**/fixtures/**', 'workshop/mine/**'],
  }),
  read: (path) => readFileSync(join(root, path), 'utf8'),
});

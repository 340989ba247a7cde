/** What a process seldom changes: its command line, its user, the control group that it is in. */
import { INTERPRETERS } from '#kit/process/processes.ts';

/** A container's id, or what stands for one; long ones are cut for people, as every engine does. */
const ID_LENGTH = 12;
/** The group of what shares our own control group namespace's root: this sidecar's container. */
export const OWN_GROUP = 'own';

/**
 * The container that a process belongs to, by /proc/PID/cgroup.
 *
 * Seen from another container's control group namespace the path is `/../ID`; without such a
 * namespace it ends in what the engine made: `docker/ID`, `docker-ID.scope`, `libpod-ID.scope`,
 * `cri-containerd-ID.scope`. The last id counts, for an engine may run inside a container.
 * @param text the file's content
 * @returns 12 digits of the container's id; the path where it names none; undefined when the file is empty
 */
export function groupOf(text: string): string | undefined {
  // The hierarchies that an engine uses lead further down than those that it leaves alone.
  const named = text.split('\n').map((line) => line.match(/[0-9a-f]{64}/g) ?? []);
  const id = named
    .toSorted((a, b) => a.length - b.length)
    .at(-1)
    ?.at(-1);
  if (id !== undefined) return id.slice(0, ID_LENGTH);
  const lines = text.split('\n').filter((line) => line !== '');
  // Version 2 has one line, `0::PATH`; beside version 1 that one may be idle, and `name=systemd` is not.
  const line = lines.find((each) => each.includes('name=systemd')) ?? lines.find((each) => each.startsWith('0::'));
  const path = (line ?? lines[0])?.replace(/^[^:]*:[^:]*:/, '');
  return path === '/' ? OWN_GROUP : path;
}

/**
 * The effective user id, by /proc/PID/status.
 * @param bytes the file's content, of which only the part before `Groups:` is looked at
 * @returns undefined when there is no such line
 */
export function uidOf(bytes: Buffer): number | undefined {
  const at = bytes.indexOf('\nUid:\t');
  if (at < 0) return undefined;
  const line = bytes.toString('latin1', at + 6, Math.min(bytes.length, at + 64));
  const effective = /^\d+\t(\d+)/.exec(line)?.[1];
  return effective === undefined ? undefined : Number(effective);
}

/**
 * Arguments of /proc/PID/cmdline. A process may have written a title over them, which then is one
 * text, often followed by what is left of the old ones.
 * @param bytes arguments, each ended by a zero byte
 */
export function splitArguments(bytes: Buffer): string[] {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  return end === 0 ? [] : bytes.toString('utf8', 0, end).split('\0');
}

/**
 * A short name for a program: of an interpreter's script, of argv[0], or what the kernel calls it.
 * @param args its command line
 * @param comm the kernel's name of it
 */
export function nameOf(args: readonly string[], comm: string): string {
  const program = baseName(args[0]?.split(' ', 1)[0] ?? '').replace(/^-|:$/g, '');
  if (INTERPRETERS.test(program)) {
    const script = args.slice(1).find((arg) => !arg.startsWith('-'));
    // `sh -c 'text'` has no script; nor has `java Main` a path.
    if (script?.startsWith('/') && !script.startsWith('/dev/') && !/\s/.test(script))
      return clean(baseName(script).replace(/\.\w{1,4}$/, ''));
  }
  return clean(program || comm);
}

const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
// A name becomes a label of a metric and of the page.
const clean = (name: string): string => name.replace(/[^\w.@+-]/g, '_').slice(0, 40) || 'unknown';

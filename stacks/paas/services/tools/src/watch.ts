/** Looks at what a link points at, again and again: is it one whole version? */
import { readdir, readFile, realpath } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

export interface WatchReport {
  readonly looks: number;
  /** What the files said, by the base name of what the link pointed at. */
  readonly versions: Readonly<Record<string, string>>;
  /** Looks that found no version, or one that was not whole. */
  readonly broken: readonly string[];
}

/** Pause between two looks, in milliseconds. */
const REST = 5;

/**
 * Watch until the signal aborts. A version is whole when its file `parts` names how many files
 * `part-…` there are, they all are there, and all say the same.
 * @param begun called after the first look
 */
export async function watch(link: string, signal: AbortSignal, begun: () => void): Promise<WatchReport> {
  const report = { looks: 0, versions: {} as Record<string, string>, broken: [] as string[] };
  while (!signal.aborted) {
    const target = await realpath(link).catch((error: NodeJS.ErrnoException) => error);
    if (typeof target === 'string') {
      const found = await read(target).catch((error: NodeJS.ErrnoException) => `${error.code} ${error.path}`);
      if (typeof found === 'string') report.broken.push(`${basename(target)}: ${found}`);
      else report.versions[basename(target)] = found.version;
    } else report.broken.push(`${target.code} ${target.path}`);
    if (report.looks === 0) begun();
    report.looks += 1;
    await pause(REST);
  }
  return report;
}

async function read(target: string): Promise<{ version: string } | string> {
  const names = (await readdir(target)).filter((name) => name.startsWith('part-'));
  const expected = Number(await readFile(join(target, 'parts'), 'utf8'));
  if (names.length !== expected) return `${names.length} of ${expected} files`;
  const texts = await Promise.all(names.map((name) => readFile(join(target, name), 'utf8')));
  const [version, ...others] = new Set(texts);
  return others.length === 0 ? { version: version!.trim() } : `mixed: ${[version, ...others].join(', ')}`;
}

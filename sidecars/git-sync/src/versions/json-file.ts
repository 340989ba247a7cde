/** Small files of JSON that are seen old or new, never half. */
import { closeSync, fsyncSync, openSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { readKept, UnusableFile } from '#kit/files/kept-file.ts';

/**
 * Replace a file. Not flushed: it must outlive our death, which the kernel's memory does. What a
 * power cut may lose is found by the mark that versions carry (see records.ts).
 */
export function writeJson(path: string, value: unknown): void {
  renameSync(writeBeside(path, value), path);
}

/** Replace a file, so that it is there after a power cut too. */
export function writeJsonLasting(path: string, value: unknown): void {
  const temporary = writeBeside(path, value);
  flush(temporary);
  renameSync(temporary, path);
  flush(dirname(path));
}

function writeBeside(path: string, value: unknown): string {
  const temporary = `${path}.new`;
  writeFileSync(temporary, `${JSON.stringify(value)}\n`, { mode: 0o600 });
  return temporary;
}

/** What was written to a file, or named in a directory, outlives a power cut. */
export function flush(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/**
 * A file's value; undefined when there is none, or it holds something else.
 * @throws the file system's error: what cannot be read now may be whole
 */
export function readJson(path: string): unknown {
  try {
    const text = readKept(path);
    return text && (JSON.parse(String(text)) as unknown);
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof UnusableFile) return undefined;
    throw error;
  }
}

/** Small files of JSON that are seen old or new, never half. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';

/**
 * Replace a file. Not flushed: it must outlive our death, which the kernel's memory does. What a
 * power cut may lose is found by the mark that versions carry (see records.ts).
 */
export function writeJson(path: string, value: unknown): void {
  const temporary = `${path}.new`;
  writeFileSync(temporary, `${JSON.stringify(value)}\n`, { mode: 0o600 });
  renameSync(temporary, path);
}

/** A file's value; undefined when there is none, or it is no JSON. */
export function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

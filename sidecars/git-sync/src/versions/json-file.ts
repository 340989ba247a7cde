/** Small files of JSON that are seen old or new, never half. */
import { renameSync, writeFileSync } from 'node:fs';
import { readKept } from '#kit/files/kept-file.ts';

/**
 * Replace a file. Not flushed: it must outlive our death, which the kernel's memory does. What a
 * power cut may lose is found by the mark that versions carry (see records.ts).
 */
export function writeJson(path: string, value: unknown): void {
  const temporary = `${path}.new`;
  writeFileSync(temporary, `${JSON.stringify(value)}\n`, { mode: 0o600 });
  renameSync(temporary, path);
}

/** A file's value; undefined when there is none, or it cannot be used. */
export function readJson(path: string): unknown {
  try {
    const text = readKept(path);
    return text && (JSON.parse(String(text)) as unknown);
  } catch {
    return undefined;
  }
}

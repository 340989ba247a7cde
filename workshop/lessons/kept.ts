/** Small JSON documents of a workspace: what a learner has done. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** What a file holds; nothing where it is missing or damaged, so that nobody is kept from going on. */
export function kept<T>(file: string): Readonly<Record<string, T>> {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, T>) : {};
  } catch {
    return {};
  }
}

/** Renamed into place: a process that is killed while it writes leaves the old document. */
export function keep(file: string, document: object): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.${process.pid}`, `${JSON.stringify(document, undefined, 2)}\n`);
  renameSync(`${file}.${process.pid}`, file);
}

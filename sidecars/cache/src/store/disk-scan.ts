/** What is on the disk at a start. */
import { mkdir, open, readdir, rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { BLOCK, fileNameOf, nameOf, PREAMBLE, readHead, readPreamble, serialOf } from './disk-file.ts';
import type { PurgeRecord } from './journal.ts';
import { Entry } from './stored.ts';
import { isOf } from './purge-selector.ts';

export interface Found {
  readonly entry: Entry;
  readonly serial: number;
  /** When it was used last, in milliseconds since the epoch. */
  readonly at: number;
}

/** Largest head, in bytes: fields are bounded by the data plane. */
const MAX_HEAD = 2 * 1024 * 1024;
const NAME = /^[0-9a-f]{40}-[0-9a-z]{1,12}$/;
const FOLDER = /^[0-9a-f]{2}$/;

/** A directory of ours, whatever lies in its place. @throws when it cannot be made */
export async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (error) {
    if (!['EEXIST', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    await rm(path, { force: true });
    await mkdir(path, { recursive: true });
  }
}

/**
 * Read the heads of all files. What is no file of ours, is not whole, or was purged is deleted.
 * @param onDamaged a file was not whole
 * @returns one of each key and variant, the one that was used last is last
 */
export async function scan(objects: string, purges: readonly PurgeRecord[], onDamaged: () => void): Promise<Found[]> {
  const found = new Map<string, Found>();
  for (const folder of await readdir(objects, { withFileTypes: true })) {
    const path = join(objects, folder.name);
    if (!folder.isDirectory() || !FOLDER.test(folder.name)) {
      await rm(path, { recursive: true, force: true }).catch(ignore);
      continue;
    }
    for (const name of await readdir(path).catch(() => [])) {
      const file = join(path, name);
      const read = NAME.test(name) ? await readFound(file, name).catch(() => undefined) : undefined;
      if (read === undefined) onDamaged();
      const other = read && found.get(nameOf(read.entry));
      const since = read?.entry.staleSince;
      if (read === undefined || isPurged(read, purges) || (other?.serial ?? 0) > read.serial)
        await rm(file, { recursive: true, force: true }).catch(ignore);
      else {
        if (other !== undefined)
          await rm(join(path, fileNameOf(other.entry, other.serial)), { force: true }).catch(ignore);
        found.set(nameOf(read.entry), read);
        const { staleSince } = read.entry;
        if (staleSince !== undefined && staleSince !== since) await utimes(file, staleSince / 1000, staleSince / 1000);
      }
    }
  }
  return [...found.values()].toSorted((one, other) => one.at - other.at);
}

function isPurged({ entry, serial }: Found, purges: readonly PurgeRecord[]): boolean {
  let purged = false;
  for (const record of purges) {
    if (record.serial <= serial || !isOf(record.which, entry)) continue;
    if (record.softenAt === undefined) purged = true;
    else entry.staleSince = record.softenAt;
  }
  return purged;
}

/** @returns undefined for what is not whole */
async function readFound(path: string, name: string): Promise<Found | undefined> {
  const file = await open(path, 'r');
  try {
    const { size, mtimeMs, atimeMs } = await file.stat();
    const preamble = Buffer.alloc(PREAMBLE);
    await file.read(preamble, 0, PREAMBLE, 0);
    const lengths = readPreamble(preamble);
    if (lengths === undefined || lengths.head > MAX_HEAD || size !== PREAMBLE + lengths.head + lengths.body)
      return undefined;
    const json = Buffer.alloc(lengths.head);
    await file.read(json, 0, lengths.head, PREAMBLE);
    const head = readHead(json);
    if (head === undefined || !name.startsWith(nameOf(head))) return undefined;
    const entry = new Entry({ ...head, staleSince: mtimeMs > 0 ? mtimeMs : undefined });
    const serial = serialOf(name);
    entry.file = { serial, size: onDisk(size) };
    return { entry, serial, at: atimeMs };
  } finally {
    await file.close();
  }
}

/** Files are allotted in blocks. */
export const onDisk = (length: number): number => Math.ceil(length / BLOCK) * BLOCK;

function ignore(): void {}

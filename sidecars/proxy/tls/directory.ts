/**
 * The certificates of a directory, as files. Two layouts, side by side where wanted:
 * NAME.crt with NAME.key (Kubernetes: tls.crt, tls.key), and directories NAME with fullchain.pem and
 * privkey.pem (certbot) or with tls.crt and tls.key (a secret a directory). An OCSP response (DER) may
 * lie beside the certificate, its suffix being .ocsp.
 */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, readdir, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { whyUnreadable } from '#kit/files/remedy.ts';
import { BadPair, type PairFiles } from './pair.ts';

/** What one look at a pair found. */
export interface Found {
  readonly name: string;
  readonly certFile: string;
  readonly keyFile: string;
  /** Changes exactly when the content, or the reason that there is none, does. */
  readonly digest: string;
  readonly files: PairFiles | BadPair;
}

/** A key or chain is a few KiB; what is larger was mounted by mistake. */
const MAX_SIZE = 1024 * 1024;
const SUBDIRECTORY_PAIRS = [
  ['fullchain.pem', 'privkey.pem'],
  ['tls.crt', 'tls.key'],
] as const;
const CONSISTENT_READS = 5;

/**
 * Read every pair of a directory. Files of one directory come from one generation of Kubernetes'
 * `..data` symlink.
 * @param directory absolute path
 * @returns what was found by name, and the directories that were looked into
 * @throws {BadPair} when the directory itself cannot be read
 */
export async function readPairs(directory: string): Promise<{ pairs: Map<string, Found>; directories: string[] }> {
  const pairs = new Map<string, Found>();
  const directories = [directory];
  const entries = await list(directory);
  for (const entry of entries) {
    const path = join(directory, entry);
    const isDirectory = await stat(path).then(
      (found) => found.isDirectory(),
      () => false,
    );
    if (!isDirectory) continue;
    directories.push(path);
    const inside = await list(path).catch((): string[] => []);
    const names = SUBDIRECTORY_PAIRS.find(([cert, key]) => inside.includes(cert) && inside.includes(key));
    if (names)
      pairs.set(entry, await consistently(path, () => readPair(entry, join(path, names[0]), join(path, names[1]))));
  }
  // A .crt without a .key is no pair: ca.crt lies beside tls.crt in many a secret.
  const flat = entries.filter((entry) => entry.endsWith('.crt') && entries.includes(entry.replace(/crt$/, 'key')));
  const found = await consistently(directory, () =>
    Promise.all(
      flat.map((cert) =>
        readPair(cert.slice(0, -'.crt'.length), join(directory, cert), join(directory, cert.replace(/crt$/, 'key'))),
      ),
    ),
  );
  for (const pair of found) pairs.set(pair.name, pair);
  return { pairs, directories };
}

/** Entries in alphabetical order; hidden ones (`..data`, an editor's) are not anyone's certificates. */
async function list(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).filter((entry) => !entry.startsWith('.')).toSorted();
  } catch (error) {
    throw new BadPair(
      directory,
      whyUnreadable(directory, error),
      "a directory that the sidecar's user may read",
      'unreadable',
    );
  }
}

/** Read again when `..data` was swapped meanwhile, so that no key of one generation meets a certificate of the next. */
async function consistently<T>(directory: string, read: () => Promise<T>): Promise<T> {
  const generation = (): Promise<string> => readlink(join(directory, '..data')).catch(() => '');
  for (let attempt = 1; ; attempt++) {
    const before = await generation();
    const result = await read();
    if (attempt === CONSISTENT_READS || (await generation()) === before) return result;
  }
}

async function readPair(name: string, certFile: string, keyFile: string): Promise<Found> {
  const hash = createHash('sha256');
  let files: Found['files'];
  try {
    const [cert, key] = await Promise.all([readSmall(certFile), readSmall(keyFile)]);
    const ocsp = await readSmall(ocspFileOf(certFile)).catch(() => undefined);
    hash
      .update(`${cert.length}:${key.length}:`)
      .update(cert)
      .update(key)
      .update(ocsp ?? '');
    files = { name, certFile, keyFile, cert, key, ...(ocsp && { ocsp }) };
  } catch (error) {
    if (!(error instanceof BadPair)) throw error;
    hash.update(error.message);
    files = error;
  }
  return { name, certFile, keyFile, digest: hash.digest('base64'), files };
}

/** The OCSP response for `shop.crt` lies beside it as `shop.ocsp`, that for `fullchain.pem` as `fullchain.ocsp`. */
export const ocspFileOf = (certFile: string): string => certFile.replace(/\.\w+$/, '.ocsp');

/** Not blocking, so that a pipe in a file's place is refused rather than waited for. */
async function readSmall(path: string): Promise<Buffer> {
  let file;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const found = await file.stat();
    if (!found.isFile()) throw new BadPair(path, 'is not a file', 'a regular file', 'unreadable');
    if (found.size > MAX_SIZE)
      throw new BadPair(path, `has ${found.size} bytes`, 'a file of at most 1 MiB', 'unreadable');
    return await file.readFile();
  } catch (error) {
    if (error instanceof BadPair) throw error;
    throw new BadPair(
      path,
      whyUnreadable(path, error),
      `a file that the sidecar's user (uid ${process.getuid?.()}) may read`,
      'unreadable',
    );
  } finally {
    await file?.close();
  }
}

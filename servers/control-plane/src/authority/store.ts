/** Where the authority's keys and certificates are, and that they are made once. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { publishFile } from '#kit/files/atomic-file.ts';
import { readKept, UnusableFile } from '#kit/files/kept-file.ts';
import { setAside } from '#kit/files/set-aside.ts';
import { makeIntermediate, makeRoot, type Pair } from './authority.ts';

export interface AuthorityFiles {
  readonly roots: string;
  readonly intermediate: Pair;
  /** What was made just now. */
  readonly made: readonly ('root' | 'intermediate')[];
}

/** No intermediate, and no root's key to make one with. */
export class RootOffline extends Error {}

/**
 * Read the authority's files; make what is missing, and a new intermediate where half of its life is over, or the clock
 * was set back before it, and the root's key is at hand. The root's key may be taken away once the intermediate is there. `further-roots.crt` has
 * roots that are trusted besides, while one follows another.
 * @param directory private to the control plane
 * @throws {RootOffline}
 */
export async function openAuthorityFiles(
  directory: string,
  trustDomain: string,
  now = Date.now(),
): Promise<AuthorityFiles> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const path = (name: string): string => join(directory, name);
  const read = (name: string): string | undefined => readIfThere(path(name));
  const write = async (name: string, { cert, key }: Pair): Promise<void> => {
    // The key first: a certificate without its key is of no use.
    await publishFile(path(`${name}.key`), key, { mode: 0o600 });
    await publishFile(path(`${name}.crt`), cert, { mode: 0o644 });
  };
  const made: ('root' | 'intermediate')[] = [];
  let root = pairOf(read, 'root');
  const issued = pairOf(read, 'intermediate');
  let intermediate = issued?.key === undefined ? undefined : (issued as Pair);
  if (!root) {
    if (intermediate)
      throw new RootOffline(
        `${path('root.crt')} is missing: the certificate that ${path('intermediate.crt')} stems from`,
      );
    const fresh = await makeRoot(trustDomain, now);
    await write('root', fresh);
    root = fresh;
    made.push('root');
  }
  if ((!intermediate || !isInFirstHalf(intermediate.cert, now)) && root.key !== undefined) {
    intermediate = await makeIntermediate({ cert: root.cert, key: root.key }, trustDomain, now);
    await write('intermediate', intermediate);
    made.push('intermediate');
  }
  if (!intermediate)
    throw new RootOffline(
      `${path('intermediate.crt')} and its key are missing, and ${path('root.key')}, which could make them, is not here`,
    );
  const further = read('further-roots.crt');
  return { roots: root.cert + (further ?? ''), intermediate, made };
}

/**
 * Rename files that cannot be used, as far as others can be made instead: a control plane starts although they are
 * damaged. With the root goes what stems from it; a root whose key is not here stays, since somebody keeps that key.
 * @returns where they lie now
 */
export function setAsideDamagedFiles(directory: string): string[] {
  const aside: string[] = [];
  const read = (name: string): string | undefined => readIfThere(join(directory, name));
  const drop = (...names: readonly string[]): void => {
    for (const name of names) if (read(name) !== undefined) aside.push(setAside(join(directory, name)));
  };
  const [root, issued] = [pairOf(read, 'root'), pairOf(read, 'intermediate')];
  const canIssue = issued !== undefined && isUsable(issued);
  if (root?.key !== undefined && !isUsable(root)) {
    const lasts = isUsable({ cert: root.cert, key: undefined }) && canIssue;
    drop('root.key');
    if (!lasts) drop('root.crt', 'intermediate.key', 'intermediate.crt');
  } else if (issued?.key !== undefined && !canIssue) drop('intermediate.key', 'intermediate.crt');
  return aside;
}

/** Of what is no file of ours nothing is read: it is damaged, as if it were empty. */
function readIfThere(path: string): string | undefined {
  try {
    return readKept(path)?.toString();
  } catch (error) {
    if (error instanceof UnusableFile) return '';
    throw error;
  }
}

/** Whether a certificate can be read, and a key that is with it is its own. */
function isUsable({ cert, key }: { readonly cert: string; readonly key: string | undefined }): boolean {
  try {
    const certificate = new X509Certificate(cert);
    return key === undefined || certificate.checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}

function pairOf(
  read: (name: string) => string | undefined,
  name: string,
): { cert: string; key: string | undefined } | undefined {
  const [cert, key] = [read(`${name}.crt`), read(`${name}.key`)];
  return cert === undefined ? undefined : { cert, key };
}

const isInFirstHalf = (pem: string, now: number): boolean => now >= beginningOf(pem) && now <= halfLifeOf(pem);

/** From when on a certificate is valid, in milliseconds since the epoch. */
export const beginningOf = (pem: string): number => Date.parse(new X509Certificate(pem).validFrom);

/** When half of a certificate's life is over, in milliseconds since the epoch. */
export function halfLifeOf(pem: string): number {
  const { validFrom, validTo } = new X509Certificate(pem);
  return (Date.parse(validFrom) + Date.parse(validTo)) / 2;
}

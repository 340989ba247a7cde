/** Files of the repository, configs and secrets, as ConfigMaps and Secrets. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { sha256 } from './digest.ts';
import { objectName } from './units.ts';

/** Kubernetes takes no larger ConfigMap or Secret, in bytes (v1.ConfigMap, "data"). */
const MAX_BYTES = 1024 * 1024;
const MAX_FILES = 500;

/** A file that becomes an entry. */
export interface Entry {
  /** The entry's name; Kubernetes knows no folders in it. */
  readonly key: string;
  /** Where it lies below the mount. */
  readonly path: string;
  readonly content: Buffer;
  readonly executable: boolean;
}

/** Files that become one ConfigMap or Secret. */
export interface Bundle {
  readonly kind: 'ConfigMap' | 'Secret';
  readonly name: string;
  readonly entries: readonly Entry[];
  /** Of the content, so that pods are replaced when it changes. */
  readonly digest: string;
}

/** @throws {Error} for what is too large; its message says why */
export function bundle(kind: Bundle['kind'], name: string, entries: readonly Entry[]): Bundle {
  const bytes = entries.reduce((total, { content }) => total + content.length, 0);
  if (bytes > MAX_BYTES) throw new Error(`has ${bytes} bytes; a ${kind} holds ${MAX_BYTES}`);
  const digest = sha256(entries.map(({ path, content }) => `${path}\0${content.toString('base64')}`).join('\0'));
  return { kind, name: objectName(name), entries, digest };
}

/**
 * A file, or the files of a folder and of those in it, in the order of their names.
 * @throws {Error} when there are too many, or one cannot be read
 */
export function entriesAt(path: string): Entry[] {
  const found: Entry[] = [];
  const visit = (at: string): void => {
    const { isDirectory, mode } = { isDirectory: statSync(at).isDirectory(), mode: statSync(at).mode };
    if (isDirectory) {
      for (const name of readdirSync(at).toSorted()) visit(join(at, name));
      return;
    }
    if (found.length === MAX_FILES) throw new Error(`holds more than ${MAX_FILES} files`);
    if (statSync(at).size > MAX_BYTES) throw new Error(`holds a file larger than ${MAX_BYTES} bytes`);
    const below = relative(path, at) || at.split('/').at(-1)!;
    found.push({ key: keyOf(below), path: below, content: readFileSync(at), executable: (mode & 0o100) !== 0 });
  };
  visit(path);
  return found;
}

/** One entry of a text. */
export function entryOf(path: string, content: string | Buffer): Entry {
  return { key: keyOf(path), path, content: Buffer.from(content), executable: false };
}

const keyOf = (path: string): string => path.replaceAll(/[^-._a-zA-Z0-9]/g, '_');

/** The object of a bundle: what is text as text. */
export function objectOf({ kind, name, entries }: Bundle, labels: unknown): Record<string, unknown> {
  const texts = entries.filter(({ content }) => isText(content));
  const rest = entries.filter(({ content }) => !isText(content));
  const [text, binary] = kind === 'ConfigMap' ? ['data', 'binaryData'] : ['stringData', 'data'];
  return {
    apiVersion: 'v1',
    kind,
    metadata: { name, labels },
    ...(kind === 'Secret' && { type: 'Opaque' }),
    ...(texts.length > 0 && { [text]: Object.fromEntries(texts.map(({ key, content }) => [key, content.toString()])) }),
    ...(rest.length > 0 && {
      [binary]: Object.fromEntries(rest.map(({ key, content }) => [key, content.toString('base64')])),
    }),
  };
}

const isText = (content: Buffer): boolean =>
  // What YAML cannot carry as it is: other control characters than tab and line feed.
  Buffer.from(content.toString()).equals(content) && !/[^\P{Cc}\t\n]/u.test(content.toString());

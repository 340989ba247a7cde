/** Ids of files: with an offset, the id of a line in the store. */
import type { Registry } from '../../registry/registry.ts';
import { readHead } from '../tracked/content.ts';
import { attempt } from '../tracked/error-code.ts';

const { hash } = process.getBuiltinModule('node:crypto');

/**
 * An id that no other file has or had.
 * @param next which one of which registry it is
 * @param key of its inode
 * @param fd the file. What it begins with makes an id another one after a registry was put back from a backup.
 * @returns 16 characters of base64url
 */
export function fileId(next: ReturnType<Registry['nextFile']>, key: string, fd: number): string {
  const beginning = attempt(
    () => readHead(fd).bytes.toString('base64'),
    () => '',
  );
  return hash('sha256', `${next.instance} ${next.number} ${key} ${beginning}`, 'base64url').slice(0, 16);
}

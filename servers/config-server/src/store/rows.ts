/** Rows of the database as the types that the interface shows. */
import type { Action, Report, Version } from './types.ts';

export type Row = Readonly<Record<string, string | number | null>>;

/** Columns of `changes` that make a Version, in the order of an insert. */
export const COLUMNS = 'revision, key, version, action, digest, size, content_type, restored, at, author';
/** Columns of `changes` that make an AuditLine. */
export const AUDIT_COLUMNS = 'revision, at, author, action, key, version, digest, address';

export function versionOf(row: Row): Version {
  const { content_type: contentType, restored, action } = row;
  return {
    key: row['key'] as string,
    version: row['version'] as number,
    revision: row['revision'] as number,
    digest: row['digest'] as string,
    size: row['size'] as number,
    contentType: contentType as string,
    at: row['at'] as string,
    author: row['author'] as string,
    action: action as Action,
    ...(typeof restored === 'number' && { restored }),
    ...(action === 'delete' && { deleted: true as const }),
  };
}

export function reportOf({ sidecar, state, reason, at }: Row): Report {
  return {
    sidecar: sidecar as string,
    state: state as Report['state'],
    ...(typeof reason === 'string' && { reason }),
    at: at as string,
  };
}

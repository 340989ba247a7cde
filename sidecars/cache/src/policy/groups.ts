/** Cache-Groups and Cache-Group-Invalidation (RFC 9875), and the tags of an operator's own field. */
import { isInnerList, parseList } from 'structured-headers';

/** RFC 9875, section 2: a cache must accept at least this number of groups, and names of this length; ours ignores more. */
export const MAX_GROUPS = 128;
const MAX_NAME = 256;

/**
 * The groups that a field names (RFC 9875, sections 2 and 3).
 * @returns none for a field that is not well formed, or has too many
 */
export function parseGroups(value: string | undefined): string[] {
  if (value === undefined) return [];
  try {
    const names: string[] = [];
    for (const member of parseList(value)) {
      if (isInnerList(member) || typeof member[0] !== 'string') return [];
      if (member[0].length <= MAX_NAME) names.push(member[0]);
    }
    return names.length > MAX_GROUPS ? [] : [...new Set(names)];
  } catch {
    return [];
  }
}

/** The tags of a field such as Surrogate-Key or Cache-Tag: words with blanks or commas between. */
export function parseTags(value: string | undefined): string[] {
  if (value === undefined) return [];
  const tags = value.split(/[\s,]+/).filter((tag) => tag !== '' && tag.length <= MAX_NAME);
  return [...new Set(tags)].slice(0, MAX_GROUPS);
}

/** A group's index name: groups are of one origin (RFC 9875, section 2.1), tags of the whole cache. */
export const groupName = (origin: string, group: string): string => `${origin} ${group}`;

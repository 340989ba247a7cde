/** Names of refs, and what servers say of them. */

/** A full commit hash, SHA-1 or SHA-256. */
export const isHash = (text: string): boolean => /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text);

/**
 * Read the answer of `git ls-remote`: `HASH\tNAME` a line; what is not of that form is passed over.
 * @returns hashes by the refs' full names; a tag's commit is under `NAME^{}`
 */
export function parseRefs(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, hash = '', name] = /^([0-9a-f]+)\t(\S+)$/.exec(line) ?? [];
    if (name !== undefined && isHash(hash)) found.set(name, hash);
  }
  return found;
}

/**
 * The names that a short name may stand for, in the order in which git looks for them (gitrevisions(7)):
 * `v1` is the tag before it is the branch.
 */
export const candidates = (ref: string): string[] => [ref, `refs/${ref}`, `refs/tags/${ref}`, `refs/heads/${ref}`];

/**
 * The commit that a name means among refs.
 * @returns undefined when there is none
 */
export function chooseRef(refs: ReadonlyMap<string, string>, ref: string): string | undefined {
  const name = candidates(ref).find((each) => refs.has(each));
  return name === undefined ? undefined : (refs.get(`${name}^{}`) ?? refs.get(name));
}

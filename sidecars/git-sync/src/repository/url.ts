/** Where a repository is: what is accepted as its address, and what an address must not hold. */

export type Transport = 'http' | 'ssh' | 'file';

export interface RepositoryAddress {
  /** As git takes it; begins with a scheme or a host, never with a dash. */
  readonly url: string;
  readonly transport: Transport;
  /** `https://host:port` for http, to which alone credentials are sent; the url itself otherwise. */
  readonly origin: string;
  /** The last part of the path: what a link is named when nobody names it. */
  readonly leaf: string;
}

/** The end of a sentence that begins "accepted is". */
export const ACCEPTED_ADDRESSES =
  'https://HOST/PATH, http://HOST/PATH, ssh://[USER@]HOST[:PORT]/PATH, USER@HOST:PATH, file:///PATH or /PATH';

/**
 * Read a repository's address. Nothing in the thrown message repeats the text, which may hold a password.
 * @throws {Error} when it is none, has a user or password where none may be, or could be read as an option
 */
export function parseRepository(text: string): RepositoryAddress {
  if (/[\p{Cc}\s]/u.test(text)) throw new Error('holds a blank or a control character');
  if (text.startsWith('/')) return address(text, 'file', text);
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return fromUrl(text);
  // scp's form, as git tells it from a path: a colon before the first slash. `ext::sh` is none, since a
  // path does not begin with a colon here.
  const [, user = '', host = '', path = ''] = /^(?:([\w.~-]+)@)?([A-Za-z0-9][\w.-]*):([^:].*)$/.exec(text) ?? [];
  if (host === '') throw new Error('is not an address of a repository');
  if (user.startsWith('-') || path.startsWith('-')) throw new Error('could be taken for an option');
  return address(text, 'ssh', path);
}

function fromUrl(text: string): RepositoryAddress {
  if (!URL.canParse(text)) throw new Error('is not a URL');
  const url = new URL(text);
  if (url.hostname.startsWith('-') || url.username.startsWith('-')) throw new Error('could be taken for an option');
  switch (url.protocol) {
    case 'https:':
    case 'http:':
      if (url.username !== '' || url.password !== '') {
        throw new Error(
          'holds a user or password, which others could read: set GITSYNC_USERNAME and GITSYNC_PASSWORD_FILE',
        );
      }
      if (url.hostname === '') throw new Error('names no host');
      return { ...address(text, 'http', url.pathname), origin: url.origin };
    case 'ssh:':
      if (url.password !== '') throw new Error('holds a password; ssh is used with a key, GITSYNC_SSH_KEY_FILE');
      if (url.hostname === '') throw new Error('names no host');
      return address(text, 'ssh', url.pathname);
    case 'file:':
      if (url.hostname !== '') throw new Error('names a host, which file:// has not');
      return address(text, 'file', url.pathname);
    default:
      throw new Error('has a scheme that is not allowed');
  }
}

function address(url: string, transport: Transport, path: string): RepositoryAddress {
  const leaf = path.replace(/\/+$/, '').split('/').at(-1) ?? '';
  if (leaf === '' || leaf === '.' || leaf === '..') throw new Error('names no repository');
  return { url, transport, origin: url, leaf };
}

/**
 * The address of a submodule, which may be relative to that of its superproject (gitmodules(5)).
 * A submodule may be on this machine's disk only when its superproject is.
 * @throws {Error} when it is not acceptable
 */
export function resolveSubmodule(text: string, parent: RepositoryAddress): RepositoryAddress {
  const resolved = /^\.\.?\//.test(text) ? relative(text, parent.url) : text;
  const found = parseRepository(resolved);
  if (found.transport === 'file' && parent.transport !== 'file') {
    throw new Error('is a path on this machine, in a repository from another');
  }
  return found;
}

function relative(text: string, base: string): string {
  let root = base.replace(/\/+$/, '');
  let rest = text;
  for (;;) {
    if (rest.startsWith('./')) rest = rest.slice(2);
    else if (rest.startsWith('../')) {
      rest = rest.slice(3);
      if (root.endsWith(':')) throw new Error('leads out of its server');
      const cut = Math.max(root.lastIndexOf('/'), root.lastIndexOf(':'));
      if (cut <= 0 || root.slice(0, cut).endsWith('/') || /^[a-z]+:?\/*$/i.test(root.slice(0, cut))) {
        throw new Error('leads out of its server');
      }
      // scp's colon stays: what follows it is a path.
      root = root[cut] === ':' ? `${root.slice(0, cut)}:` : root.slice(0, cut);
    } else break;
  }
  return root.endsWith(':') ? root + rest : `${root}/${rest}`;
}

/** Accounts for servers other than the repository's own, or for single repositories on one. */

/** Who to be for addresses that begin with a URL. */
export interface Credential {
  /** `https://host[:port][/path]`, without a user or password. */
  readonly url: string;
  readonly username: string;
  readonly passwordFile: string;
}

/** The end of a sentence that begins "accepted is". */
export const ACCEPTED_CREDENTIALS =
  'a JSON object, or an array of them, with url (http or https), username and password-file (an absolute path)';

/** More than this nobody has. */
const MOST = 100;
const KEYS = ['url', 'username', 'password-file'];

/**
 * Read `GITSYNC_CREDENTIAL`, in the form that kubernetes/git-sync gives it, where `password` is not
 * accepted: others can read an environment.
 * @throws {Error} that repeats nothing of the text, which may hold a password
 */
export function parseCredentials(text: string): Credential[] {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    throw new Error('is not JSON');
  }
  const entries: unknown[] = Array.isArray(found) ? found : [found];
  if (entries.length > MOST) throw new Error(`has more than ${MOST} entries`);
  const credentials = entries.map(parseCredential);
  const urls = new Set(credentials.map(({ url }) => url));
  if (urls.size < credentials.length) throw new Error('has two entries for one url');
  return credentials;
}

function parseCredential(entry: unknown, index: number): Credential {
  const wrong = (what: string): Error => new Error(`has an entry (number ${index + 1}) ${what}`);
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) throw wrong('that is no object');
  const { url, username, 'password-file': passwordFile } = entry as Record<string, unknown>;
  if ('password' in entry) throw wrong('with a password in it, which others could read: use password-file');
  if (Object.keys(entry).some((key) => !KEYS.includes(key))) throw wrong('with a key that is not known');
  if (typeof url !== 'string' || !URL.canParse(url)) throw wrong('without a url');
  const parsed = new URL(url);
  if (!/^https?:$/.test(parsed.protocol)) throw wrong('whose url is not http or https');
  if (parsed.username !== '' || parsed.password !== '') throw wrong('whose url holds a user or password');
  if (parsed.search !== '' || parsed.hash !== '') throw wrong('whose url holds more than a path');
  // It becomes the name of a section in git's configuration.
  if (/[\p{Cc}"\\\]]/u.test(url)) throw wrong('whose url holds a quote or a control character');
  if (typeof username !== 'string' || username === '' || /\p{Cc}/u.test(username)) throw wrong('without a username');
  if (typeof passwordFile !== 'string' || !/^\/[^\p{Cc}]*$/u.test(passwordFile))
    throw wrong('without an absolute password-file');
  return { url: `${parsed.origin}${parsed.pathname.replace(/\/+$/, '')}`, username, passwordFile };
}

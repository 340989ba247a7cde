/** Which names mean that their value is a secret. */

const SECRET_WORDS = new Set(
  'password passwd passphrase passcode pass pwd pw secret secrets token tokens apikey credential credentials creds bearer authorization auth cookie cookies jwt otp signature'.split(
    ' ',
  ),
);
/** What comes before `key` when the key is secret: a plain `--key` is mostly the path of one. */
const SECRET_KEYS = new Set(
  'api access secret private encryption signing master account shared session license'.split(' '),
);
/** As one word, too: `PGPASSWORD`, `requirepass`, `authtoken`, `dbpwd`. */
const SECRET_ENDING =
  /(?:password|passwd|passphrase|secret|token|apikey|accesskey|secretkey|privatekey|pwd|(?:require|store|key|user|db|sql|admin|root|mail|smtp|ftp|login|proxy)pass)s?$/;
/** The last word of a name that only speaks about a secret: where it is, how long it lasts. */
const ABOUT = new Set(
  'file files path dir directory name url uri endpoint ttl type mode policy method provider timeout expiry expires length prompt command cmd env'.split(
    ' ',
  ),
);

/**
 * Does the value of this option, variable or field want to be hidden?
 * @param name such as `--db-password`, `PGPASSWORD`, `javax.net.ssl.keyStorePassword`, `api_key`
 */
export function isSecretName(name: string): boolean {
  const words = name
    .replace(/^-D/, '')
    .replace(/([a-z\d])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .split(/[^a-z\d]+/)
    .filter((word) => word !== '');
  const last = words.at(-1);
  if (last === undefined || ABOUT.has(last)) return false;
  return words.some(
    (word, index) =>
      SECRET_WORDS.has(word) || SECRET_ENDING.test(word) || (word === 'key' && SECRET_KEYS.has(words[index - 1] ?? '')),
  );
}

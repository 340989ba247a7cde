/**
 * In tcp mode no tickets are given for the resumption of TLS 1.3 sessions (RFC 8446, section 4.6.1). They
 * are sent behind the handshake, and a client that only writes, as syslog does, never reads them: when it
 * closes its connection, its kernel finds them unread, resets the connection, and throws away what it has
 * not sent yet. An HTTP client reads its answers, and keeps its tickets.
 *
 * OpenSSL has a setting for it (NumTickets), Node has none: its file is named when Node starts.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const FLAG = '--openssl-config';
/** Beside the program in the image, above the sources here. */
const FILES = ['./openssl.cnf', '../openssl.cnf'].map((path) => fileURLToPath(new URL(path, import.meta.url)));

/**
 * See to it that this process gives no tickets: when it was not started so, the same process begins anew,
 * with the same flags, arguments and environment, and this function does not return. Before anything is opened.
 * A file that somebody else named stays in use.
 * @throws where the setting is not beside the program
 */
export function giveNoTickets(): void {
  if (process.execArgv.some((flag) => flag.startsWith(FLAG))) return;
  const file = FILES.find((path) => existsSync(path));
  if (file === undefined) throw new Error(`there is no ${FILES[0]}`);
  process.execve!(
    process.execPath,
    [process.execPath, ...process.execArgv, `${FLAG}=${file}`, ...process.argv.slice(1)],
    process.env,
  );
}

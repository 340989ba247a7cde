/**
 * A bound on the memory of git's programs. git-remote-http keeps an answer that lists refs in memory, however long it is:
 * a server that never ends it would have the kernel end the container.
 */
import { existsSync } from 'node:fs';
import { totalmem } from 'node:os';

/** Of util-linux, in Debian always. */
const PRLIMIT = '/usr/bin/prlimit';
/** Of what the container may have, for each program: two at a time are large, and the rest is this sidecar's own. */
const SHARE = 0.4;

/** What a container may have: its limit, or the machine's memory. Bytes. */
const available = (): number => Math.min(process.constrainedMemory(), totalmem());

/**
 * Arguments that run a program with so much memory at most, and all that it starts. What is mapped from files is not
 * counted (RLIMIT_DATA of setrlimit(2)).
 * @param bytes for each process
 * @returns the same arguments where there is nothing to run it by
 */
export const withMemory = (argv: readonly string[], bytes = Math.floor(available() * SHARE)): readonly string[] =>
  existsSync(PRLIMIT) ? [PRLIMIT, `--data=${bytes}`, '--', ...argv] : argv;

/**
 * Taking up changed certificate files while running. A pair that cannot be used never replaces one
 * that can, and a pair whose files are gone is served on.
 *
 * Certificate and key arrive as two writes, and an event may come between them. So what looks bad is
 * looked at again before it counts as refused, and is reported once for each distinct content.
 */
import { ocspFileOf, readPairs, type Found } from './directory.ts';
import { BadPair, type Pair, type PairFiles } from './pair.ts';
import type { CertificateLog, CertificateStats, CertificateSet } from './certificate-set.ts';
import { DirectoryWatch } from '#kit/files/directory-watch.ts';

export interface ReloadOptions {
  readonly directory: string;
  readonly certificates: CertificateSet;
  readonly check: (files: PairFiles) => Pair;
  readonly log: CertificateLog;
  readonly stats: CertificateStats;
  readonly timing: ReloadTiming;
}

/** All in milliseconds. */
export interface ReloadTiming {
  /** Quiet time after the last event before a look. */
  readonly settle: number;
  /** How long a bad state must last to be reported. */
  readonly confirm: number;
  /** Between looks that no event asked for. */
  readonly poll: number;
}

export const RELOAD_TIMING: ReloadTiming = { settle: 100, confirm: 1000, poll: 15_000 };

/** What a name's files held when they were last found wanting. */
interface Suspicion {
  readonly digest: string;
  readonly since: number;
  reported: boolean;
}

/** The digest of a pair that is not there. */
const VANISHED = 'vanished';

export class Reloader {
  readonly #options: ReloadOptions;
  readonly #watch: DirectoryWatch;
  /** Digests of the pairs in use. */
  readonly #digests = new Map<string, string>();
  readonly #suspicions = new Map<string, Suspicion>();
  #busy = Promise.resolve();
  #confirming: NodeJS.Timeout | undefined;
  #closed = false;

  /** @param loaded what is in use already, as it was found */
  constructor(options: ReloadOptions, loaded: Iterable<Found>) {
    this.#options = options;
    for (const { name, digest } of loaded) this.#digests.set(name, digest);
    this.#watch = new DirectoryWatch({
      settle: options.timing.settle,
      poll: options.timing.poll,
      onChange: () => this.#look(true),
      onPoll: () => {
        options.certificates.warnOfExpired();
        this.#look(false);
      },
      onBlind: (error) =>
        options.log.warn(
          { err: error },
          `changes in ${options.directory} make no events here: looking every ${options.timing.poll / 1000} s instead`,
        ),
    });
    // What changed between the first reading and the first watch is found by this look.
    this.#look(false);
  }

  /** Look at the directory now, as if it had changed. */
  look(): void {
    this.#look(true);
  }

  /** Nothing changes in use from here on, not even by a look that is under way. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#confirming);
    this.#watch.close();
  }

  /** Look, after any look that is under way; `asked` when an event asked for it. */
  #look(asked: boolean): void {
    this.#busy = this.#busy
      .then(() => this.#lookNow(asked))
      .catch((error: unknown) => this.#options.log.error({ err: error }, 'looking at certificates failed'));
  }

  async #lookNow(asked: boolean): Promise<void> {
    const { directory, certificates, log, stats } = this.#options;
    const { pairs, directories } = await this.#read();
    if (this.#closed) return;
    const loaded: Pair[] = [];
    const reported = this.#reported();
    for (const found of pairs.values()) {
      if (found.digest === this.#digests.get(found.name)) this.#suspicions.delete(found.name);
      else {
        const pair = this.#judge(found);
        if (pair) loaded.push(pair);
      }
    }
    for (const name of this.#suspicions.keys()) {
      if (!pairs.has(name) && !certificates.get(name)) this.#suspicions.delete(name);
    }
    for (const name of certificates.names) {
      if (pairs.has(name)) continue;
      this.#suspect(name, VANISHED, () =>
        log.warn(
          { certificate: name },
          `${directory} no longer holds the certificate ${name}: the one in use is served on`,
        ),
      );
    }
    if (loaded.length > 0) certificates.put(loaded);
    for (const { name, serial, notAfter, dnsNames } of loaded) {
      stats.looked('loaded');
      log.info(
        { certificate: name, serial, not_after: new Date(notAfter).toISOString(), names: dnsNames },
        'certificate loaded',
      );
    }
    const news = loaded.length > 0 || this.#reported() > reported || this.#reported() < this.#suspicions.size;
    if (asked && !news) stats.looked('unchanged');
    const files = [...pairs.values()].flatMap(({ certFile, keyFile }) => [certFile, keyFile, ocspFileOf(certFile)]);
    if (await this.#watch.follow(directories, files)) this.#look(false);
  }

  /** The directory's pairs; none when it cannot be read, which then counts as vanished. */
  async #read(): Promise<Awaited<ReturnType<typeof readPairs>>> {
    try {
      return await readPairs(this.#options.directory);
    } catch (error) {
      if (!(error instanceof BadPair)) throw error;
      return { pairs: new Map(), directories: [this.#options.directory] };
    }
  }

  /** The pair when it is good. A refused one is judged again at each look, since time may heal it. */
  #judge(found: Found): Pair | undefined {
    const { name, digest, files } = found;
    const { check, log, stats, certificates } = this.#options;
    try {
      if (files instanceof BadPair) throw files;
      const pair = check(files);
      this.#suspicions.delete(name);
      this.#digests.set(name, digest);
      return pair;
    } catch (error) {
      if (!(error instanceof BadPair)) throw error;
      this.#suspect(name, digest, () => {
        stats.looked('refused');
        const kept = certificates.get(name);
        log.error(
          { certificate: name, ...(kept && { serving_serial: kept.serial }) },
          `certificate refused: ${error.message}${kept ? '; the one in use stays' : ''}`,
        );
      });
      return undefined;
    }
  }

  #reported(): number {
    return [...this.#suspicions.values()].filter((suspicion) => suspicion.reported).length;
  }

  /** Report a bad state once it has lasted; until then have it looked at again. */
  #suspect(name: string, digest: string, report: () => void): void {
    const { confirm } = this.#options.timing;
    const known = this.#suspicions.get(name);
    if (known?.digest !== digest) {
      this.#suspicions.set(name, { digest, since: performance.now(), reported: false });
      this.#lookIn(confirm);
    } else if (!known.reported) {
      const left = known.since + confirm - performance.now();
      if (left > 0) return this.#lookIn(left);
      known.reported = true;
      report();
    }
  }

  #lookIn(delay: number): void {
    clearTimeout(this.#confirming);
    // A timer may fire a fraction of a millisecond early.
    this.#confirming = setTimeout(() => this.#look(false), delay + 1).unref();
  }
}

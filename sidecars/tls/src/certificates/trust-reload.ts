/** Taking up a changed client CA bundle or revocation list while running; what cannot be used never replaces what can. */
import { dirname } from 'node:path';
import { DirectoryWatch } from '#kit/files/directory-watch.ts';
import type { Problem } from '#kit/contract/parameters.ts';
import type { ClientPolicy } from './client-identity.ts';
import { readClientTrust, trustDigest, type TrustParameters } from './client-trust.ts';
import type { ReloadTiming } from '#proxy/tls/reload.ts';
import type { CertificateLog, CertificateStats } from '#proxy/tls/certificate-set.ts';

export interface TrustReloadOptions {
  readonly parameters: TrustParameters;
  readonly policy: Pick<ClientPolicy, 'trust' | 'renew'>;
  readonly log: CertificateLog;
  readonly stats: CertificateStats;
  readonly timing: ReloadTiming;
  /** Called after each change. */
  readonly onChange: () => void;
}

export class TrustReloader {
  readonly #options: TrustReloadOptions;
  readonly #watch: DirectoryWatch;
  readonly #files: readonly string[];
  /** What was wrong at the last look. */
  #wrong = '';
  #reported = '';
  #confirming: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: TrustReloadOptions) {
    const { parameters, timing, log, policy } = options;
    this.#options = options;
    this.#files = [parameters.TLS_CLIENT_CA, parameters.TLS_CLIENT_CRL].filter((file) => file !== undefined);
    for (const warning of policy.trust.warnings) log.warn(warning);
    this.#watch = new DirectoryWatch({
      settle: timing.settle,
      poll: timing.poll,
      onChange: () => this.look(),
      onPoll: () => this.look(),
      onBlind: (error) =>
        log.warn(
          { err: error },
          `changes of ${this.#files.join(', ')} make no events here: looking every ${timing.poll / 1000} s instead`,
        ),
    });
    this.look();
  }

  /** Look at the files now. */
  look(): void {
    if (this.#closed) return;
    const { parameters, policy, log, stats, onChange } = this.#options;
    this.#follow();
    if (trustDigest(parameters) === policy.trust.digest) {
      this.#wrong = '';
      this.#reported = '';
      return;
    }
    const problems: Problem[] = [];
    const trust = readClientTrust(parameters, problems);
    this.#wrong = problems.map(({ message }) => message).join('; ');
    if (this.#wrong !== '') return this.#confirm();
    this.#reported = '';
    policy.renew(trust);
    for (const warning of trust.warnings) log.warn(warning);
    onChange();
    stats.looked('loaded');
    log.info({ files: this.#files }, 'client CA loaded');
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#confirming);
    this.#watch.close();
  }

  /** A file may be in the middle of being written: what is wrong is said once it has lasted. */
  #confirm(): void {
    const wrong = this.#wrong;
    if (wrong === this.#reported || this.#confirming !== undefined) return;
    this.#confirming = setTimeout(() => {
      this.look();
      this.#confirming = undefined;
      if (this.#closed || this.#wrong === '') return;
      if (this.#wrong !== wrong) return this.#confirm();
      this.#reported = wrong;
      this.#options.stats.looked('refused');
      this.#options.log.error(`client CA refused: ${wrong}; the one in use stays`);
    }, this.#options.timing.confirm).unref();
  }

  #follow(): void {
    const directories = [...new Set(this.#files.map((file) => dirname(file)))];
    this.#watch
      .follow(directories, this.#files)
      .then((added) => {
        if (added) this.look();
      })
      .catch((error: unknown) => this.#options.log.error({ err: error }, 'watching the client CA failed'));
  }
}

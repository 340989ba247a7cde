/**
 * What git needs to know for one sync, in a private directory: its configuration, credentials, ssh's
 * configuration. Everything is read anew, so that rotated credentials count at the next sync, and
 * nothing secret is in an argument or in the environment, where a pod's other processes may read.
 */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { unreadable } from '#kit/files/remedy.ts';
import { request } from '#kit/net/http-client.ts';
import { SyncError } from './failure.ts';
import type { Credential } from './credentials.ts';
import type { Secrets } from './secrets.ts';
import type { RepositoryAddress } from './url.ts';

export interface CredentialOptions {
  readonly username: string | undefined;
  readonly passwordFile: string | undefined;
  readonly askpassUrl: string | undefined;
  /** For other servers, or single repositories. */
  readonly more: readonly Credential[];
  readonly sshKeyFiles: readonly string[];
  readonly sshKnownHostsFile: string;
}

/** Schemes that git may use, whatever a repository or a redirect asks for. */
const PROTOCOLS = 'https:http:ssh:file';
/** Environment that says how to get out of this network, and whom to trust. */
const PASSED = [
  'PATH',
  'http_proxy',
  'https_proxy',
  'HTTPS_PROXY',
  'HTTP_PROXY',
  'NO_PROXY',
  'no_proxy',
  'GIT_SSL_CAINFO',
  'SSL_CERT_FILE',
  'TZ',
];
/** git runs it by a shell; it is this text, with one of our own numbers, whatever the input is. */
const helper = (number: number): string =>
  `!f() { test \\"$1\\" != get || cat \\"$GITSYNC_CREDENTIALS-${number}\\"; }; f`;
const SSH = 'ssh -F "$GITSYNC_SSH_CONFIG"';
const ASKPASS_TIMEOUT = 10_000;

/** The private directory and the environment that points into it. */
export class GitEnvironment {
  readonly #directory = mkdtempSync(join(tmpdir(), 'gitsync-'));
  readonly #repository: RepositoryAddress;
  readonly #options: CredentialOptions;
  readonly #secrets: Secrets;
  /** What marks the processes that we started, so that the next start can end those that outlived us. */
  readonly #marker: string;

  constructor(repository: RepositoryAddress, options: CredentialOptions, secrets: Secrets, marker: string) {
    this.#repository = repository;
    this.#options = options;
    this.#secrets = secrets;
    this.#marker = marker;
    chmodSync(this.#directory, 0o700);
    mkdirSync(this.home);
    // For the command `rollback`, which sends us a signal.
    this.#write('pid', `${process.pid}\n`);
    writeFileSync(this.#path('config'), this.#configuration());
    this.#write('passwd', `gitsync:x:${process.getuid!()}:${process.getgid!()}::${this.home}:/usr/sbin/nologin\n`);
    this.#write('group', `gitsync:x:${process.getgid!()}:\n`);
  }

  /** An empty directory for programs that want a home. */
  get home(): string {
    return join(this.#directory, 'home');
  }

  /**
   * Read the credentials anew.
   * @throws {SyncError} when they cannot be had
   */
  async refresh(signal?: AbortSignal): Promise<void> {
    const write = (number: number, found: { username: string; password: string } | undefined): void =>
      this.#write(`credentials-${number}`, found ? `username=${found.username}\npassword=${found.password}\n` : '');
    if (this.#repository.transport === 'http') write(0, await this.#credentials(signal));
    for (const [index, { username, passwordFile }] of this.#options.more.entries())
      write(index + 1, { username, password: this.#password(passwordFile, 'GITSYNC_CREDENTIAL') });
    if (this.#usesSsh()) this.#prepareSsh();
  }

  /** The whole environment of a git process. */
  forGit(gitDir: string): NodeJS.ProcessEnv {
    return {
      ...Object.fromEntries(PASSED.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : []))),
      HOME: this.home,
      LC_ALL: 'C',
      GIT_DIR: gitDir,
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: this.#path('config'),
      GIT_ATTR_NOSYSTEM: '1',
      GIT_NO_REPLACE_OBJECTS: '1',
      GIT_TERMINAL_PROMPT: '0',
      GIT_ALLOW_PROTOCOL: PROTOCOLS,
      GITSYNC_CHILD: this.#marker,
      GITSYNC_CREDENTIALS: this.#path('credentials'),
      ...(this.#usesSsh() && {
        GIT_SSH_COMMAND: SSH,
        GIT_SSH_VARIANT: 'ssh',
        GITSYNC_SSH_CONFIG: this.#path('ssh_config'),
        ...this.#nameForUser(),
      }),
    };
  }

  /** The environment of a program that is not ours: a gate, a hook. */
  forProgram(names: readonly string[], more: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
    return {
      ...Object.fromEntries(
        names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
      ),
      PATH: process.env['PATH'],
      HOME: this.home,
      LANG: 'C.UTF-8',
      GITSYNC_CHILD: this.#marker,
      ...more,
    };
  }

  /** Remove it all. */
  close(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #path(name: string): string {
    return join(this.#directory, name);
  }

  #write(name: string, content: string): void {
    writeFileSync(this.#path(name), content, { mode: 0o600 });
  }

  #configuration(): string {
    return [
      '[core]',
      '\thooksPath = /dev/null',
      // A crash of the machine is answered by looking at what is there, not by waiting for the disk.
      '\tfsync = none',
      // Hard links and modes change a file's ctime, not its content.
      '\ttrustctime = false',
      '[safe]',
      '\tdirectory = *',
      '[gc]',
      '\tauto = 0',
      '[maintenance]',
      '\tauto = false',
      '[checkout]',
      '\tworkers = 4',
      '[fetch]',
      '\trecurseSubmodules = false',
      '[advice]',
      '\tdetachedHead = false',
      ...this.#accounts().flatMap(({ url, number, known }) => [
        `[credential "${url}"]`,
        // Else the path of an address would not be looked at.
        '\tuseHttpPath = true',
        `\thelper = "${helper(number)}"`,
        // One request less: the server need not say 401 first. Not for other servers: git asks for a
        // password then, and does without the answer of who would let it in. Since git 2.46.
        ...(known ? [`[http "${url}"]`, '\tproactiveAuth = basic'] : []),
      ]),
      '',
    ].join('\n');
  }

  /** Addresses for which there is an account, the longest first: of several that match, git takes the first. */
  #accounts(): { url: string; number: number; known: boolean }[] {
    const { passwordFile, askpassUrl, more } = this.#options;
    const { transport, origin } = this.#repository;
    const known = passwordFile !== undefined || askpassUrl !== undefined;
    return [
      ...(transport === 'http' ? [{ url: origin, number: 0, known }] : []),
      ...more.map(({ url }, index) => ({ url, number: index + 1, known: true })),
    ].toSorted((a, b) => b.url.length - a.url.length);
  }

  /** For the repository, or for submodules where a key is there. */
  #usesSsh(): boolean {
    const { sshKeyFiles, sshKnownHostsFile } = this.#options;
    return (
      this.#repository.transport === 'ssh' || [...sshKeyFiles, sshKnownHostsFile].every((path) => existsSync(path))
    );
  }

  async #credentials(signal?: AbortSignal): Promise<{ username: string; password: string } | undefined> {
    const { username = '', passwordFile, askpassUrl } = this.#options;
    if (askpassUrl !== undefined) return await this.#askpass(askpassUrl, signal);
    if (passwordFile === undefined) return undefined;
    return { username, password: this.#password(passwordFile, 'GITSYNC_PASSWORD_FILE') };
  }

  #password(file: string, parameter: string): string {
    return this.#secret(this.#read(file, parameter).replace(/\r?\n$/, ''));
  }

  async #askpass(url: string, signal?: AbortSignal): Promise<{ username: string; password: string }> {
    const { status, body } = await request(url, { timeout: ASKPASS_TIMEOUT, maxBody: 65_536, signal }).catch(
      (error: Error) => {
        throw new SyncError('authentication', `GITSYNC_ASKPASS_URL: ${error.message}`, { cause: error });
      },
    );
    if (status !== 200) throw new SyncError('authentication', `GITSYNC_ASKPASS_URL answered ${status}`);
    const lines = new Map(
      body
        .toString('utf8')
        .split(/\r?\n/)
        .map((line) => [line.split('=', 1)[0]!, line.slice(line.indexOf('=') + 1)]),
    );
    const username = lines.get('username');
    const password = lines.get('password');
    if (username === undefined || password === undefined) {
      throw new SyncError('authentication', 'GITSYNC_ASKPASS_URL answered without username= and password= lines');
    }
    return { username, password: this.#secret(password) };
  }

  #secret(value: string): string {
    if (/[\n\r\0]/.test(value)) throw new SyncError('authentication', 'the password holds more than one line');
    this.#secrets.add(value);
    return value;
  }

  #read(path: string, parameter: string): string {
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      throw new SyncError('authentication', `${parameter}: ${unreadable(path, error)}`);
    }
  }

  /** ssh refuses keys that others may read, as files of a volume often are: it gets copies. */
  #prepareSsh(): void {
    const { sshKeyFiles, sshKnownHostsFile } = this.#options;
    for (const [index, file] of sshKeyFiles.entries()) {
      const key = this.#read(file, 'GITSYNC_SSH_KEY_FILE');
      this.#write(`key-${index}`, key.endsWith('\n') ? key : `${key}\n`);
    }
    this.#write('known_hosts', this.#read(sshKnownHostsFile, 'GITSYNC_SSH_KNOWN_HOSTS_FILE'));
    this.#write(
      'ssh_config',
      [
        ...sshKeyFiles.map((_file, index) => `IdentityFile ${this.#path(`key-${index}`)}`),
        'IdentitiesOnly yes',
        'IdentityAgent none',
        `UserKnownHostsFile ${this.#path('known_hosts')}`,
        'GlobalKnownHostsFile /dev/null',
        'StrictHostKeyChecking yes',
        'BatchMode yes',
        'ConnectTimeout 10',
        'ServerAliveInterval 15',
        'ForwardAgent no',
        'ForwardX11 no',
        'PermitLocalCommand no',
        'LogLevel ERROR',
        '',
      ].join('\n'),
    );
  }

  /** ssh refuses to run as a user without a name; containers run as any number. */
  #nameForUser(): NodeJS.ProcessEnv {
    try {
      userInfo();
      return {};
    } catch {
      return {
        LD_PRELOAD: 'libnss_wrapper.so',
        NSS_WRAPPER_PASSWD: this.#path('passwd'),
        NSS_WRAPPER_GROUP: this.#path('group'),
      };
    }
  }
}

/**
 * What git needs to know for one sync, in a private directory: its configuration, credentials, ssh's
 * configuration. Everything is read anew, so that rotated credentials count at the next sync, and
 * nothing secret is in an argument or in the environment, where a pod's other processes may read.
 */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { request } from '#kit/http-client.ts';
import { SyncError } from '../failure.ts';
import type { Secrets } from './secrets.ts';
import type { RepositoryAddress } from './url.ts';

export interface CredentialOptions {
  readonly username: string | undefined;
  readonly passwordFile: string | undefined;
  readonly askpassUrl: string | undefined;
  readonly sshKeyFile: string;
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
/** git runs it by a shell; it is this text whatever the input is. */
const HELPER = '!f() { test \\"$1\\" != get || cat \\"$GITSYNC_CREDENTIALS\\"; }; f';
const SSH = 'ssh -F "$GITSYNC_SSH_CONFIG"';
const ASKPASS_TIMEOUT = 10_000;

/** The private directory and the environment that points into it. */
export class Session {
  readonly #directory = mkdtempSync(join(tmpdir(), 'gitsync-'));
  readonly #repository: RepositoryAddress;
  readonly #options: CredentialOptions;
  readonly #secrets: Secrets;
  /** What marks the processes that we started, for whoever must end them after our death. */
  readonly #marker: string;

  constructor(repository: RepositoryAddress, options: CredentialOptions, secrets: Secrets, marker: string) {
    this.#repository = repository;
    this.#options = options;
    this.#secrets = secrets;
    this.#marker = marker;
    chmodSync(this.#directory, 0o700);
    mkdirSync(this.home);
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
    if (this.#repository.transport === 'http') {
      const credentials = await this.#credentials(signal);
      this.#write(
        'credentials',
        credentials ? `username=${credentials.username}\npassword=${credentials.password}\n` : '',
      );
    } else if (this.#repository.transport === 'ssh') this.#prepareSsh();
  }

  /** The whole environment of a git process. */
  environment(gitDir: string): NodeJS.ProcessEnv {
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
      ...(this.#repository.transport === 'http' && { GITSYNC_CREDENTIALS: this.#path('credentials') }),
      ...(this.#repository.transport === 'ssh' && {
        GIT_SSH_COMMAND: SSH,
        GIT_SSH_VARIANT: 'ssh',
        GITSYNC_SSH_CONFIG: this.#path('ssh_config'),
        ...this.#nameForUser(),
      }),
    };
  }

  /** The environment of a program that is not ours: a gate, a hook. */
  programEnvironment(names: readonly string[], more: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
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
    const { transport, origin } = this.#repository;
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
      ...(transport === 'http'
        ? [
            '[http]',
            // One request less: the server need not say 401 first. Since git 2.46; older ones ignore it.
            ...(this.#hasCredentials() ? ['\tproactiveAuth = basic'] : []),
            `[credential "${origin}"]`,
            `\thelper = "${HELPER}"`,
          ]
        : []),
      '',
    ].join('\n');
  }

  #hasCredentials(): boolean {
    const { passwordFile, askpassUrl } = this.#options;
    return passwordFile !== undefined || askpassUrl !== undefined;
  }

  async #credentials(signal?: AbortSignal): Promise<{ username: string; password: string } | undefined> {
    const { username = '', passwordFile, askpassUrl } = this.#options;
    if (askpassUrl !== undefined) return await this.#askpass(askpassUrl, signal);
    if (passwordFile === undefined) return undefined;
    return {
      username,
      password: this.#secret(this.#read(passwordFile, 'GITSYNC_PASSWORD_FILE').replace(/\r?\n$/, '')),
    };
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
      throw new SyncError(
        'authentication',
        `${parameter}: ${path} cannot be read (${(error as NodeJS.ErrnoException).code})`,
      );
    }
  }

  /** ssh refuses keys that others may read, as files of a volume often are: it gets copies. */
  #prepareSsh(): void {
    const { sshKeyFile, sshKnownHostsFile } = this.#options;
    const key = this.#read(sshKeyFile, 'GITSYNC_SSH_KEY_FILE');
    this.#write('key', key.endsWith('\n') ? key : `${key}\n`);
    this.#write('known_hosts', this.#read(sshKnownHostsFile, 'GITSYNC_SSH_KNOWN_HOSTS_FILE'));
    this.#write(
      'ssh_config',
      [
        `IdentityFile ${this.#path('key')}`,
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

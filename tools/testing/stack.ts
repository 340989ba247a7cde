/** What a test has of a compose project that is up. */

export interface UpOptions {
  /** Only these services and what they depend on; all when absent. */
  readonly services?: readonly string[];
  /** Variables for the compose files, besides the process's own. */
  readonly env?: Readonly<Record<string, string>>;
  /** Compose profiles to enable. */
  readonly profiles?: readonly string[];
  /** How long until everything is running and healthy, in milliseconds; 120,000 unless told. */
  readonly timeout?: number;
  /** Build images first; true unless told. */
  readonly build?: boolean;
  /**
   * Leave everything up when something of this stack failed (`up` itself, `exec`, or `eventually`), and
   * say how to look at it. A test framework's own assertions are not seen: end a failing test with
   * `stack.keep()`.
   */
  readonly keepOnFailure?: boolean;
  /** Beginning of the project's name; the folder's unless told. The rest is random. */
  readonly name?: string;
}

export interface EventuallyOptions {
  /** Deadline in milliseconds; 20,000 unless told. */
  readonly within?: number;
  /** Pause between two looks in milliseconds; 100 unless told. */
  readonly every?: number;
}

export interface ExecResult {
  readonly stdout: string;
  readonly stderr: string;
}

/** A stack did not come up, or a command on it failed. */
export class StackError extends Error {
  override readonly name = 'StackError';
  /** `up`, `exec`, `port`, `engine`, … */
  readonly reason: string;
  /** The last log lines of every container, when the stack did not come up. */
  readonly logs: string;
  constructor(reason: string, message: string, logs = '', cause?: unknown) {
    super(logs === '' ? message : `${message}\n${logs}`, { cause });
    this.reason = reason;
    this.logs = logs;
  }
}

/** A running compose project. `await using` takes it down at the end of its scope. */
export interface Stack extends AsyncDisposable {
  /** The compose project's name. */
  readonly project: string;
  /** Number of the port of this machine under which a service's port is published. */
  port(service: string, port: number, protocol?: 'tcp' | 'udp'): Promise<number>;
  /** `http://127.0.0.1:PORT` of a published port. */
  url(service: string, port: number, scheme?: string): Promise<string>;
  /** Run a command in a service's container. @throws {StackError} when it fails */
  exec(
    service: string,
    command: readonly string[],
    options?: { input?: string; timeout?: number; user?: string },
  ): Promise<ExecResult>;
  /** What a service, or all of them, wrote so far: stdout and stderr. */
  logs(service?: string): Promise<string>;
  /** Send a signal to a service's process; SIGKILL unless told. Its restart policy does not bring it back. */
  kill(service: string, signal?: string): Promise<void>;
  start(service: string): Promise<void>;
  stop(service: string): Promise<void>;
  restart(service: string): Promise<void>;
  pause(service: string): Promise<void>;
  unpause(service: string): Promise<void>;
  /** Take a service out of all its networks: connections hang, as when a cable is pulled. */
  cut(service: string): Promise<void>;
  /** Put it back, under its names and with its address. */
  heal(service: string): Promise<void>;
  /** Wait until a look returns something other than undefined, null or false without throwing. */
  eventually<T>(
    what: string,
    look: () => T | Promise<T>,
    options?: EventuallyOptions,
  ): Promise<Exclude<T, undefined | null | false>>;
  /** Leave everything up at the end. */
  keep(): void;
  /** Take everything down now. */
  down(): Promise<void>;
}

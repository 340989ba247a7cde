/** Why a sync failed, in a word for machines, and what a person can do about it. */
import { CommandError } from '#kit/process/command.ts';

export type FailureReason =
  | 'authentication'
  | 'host-key'
  | 'tls'
  | 'repository-not-found'
  | 'ref-not-found'
  | 'unreachable'
  | 'timeout'
  | 'disk-full'
  | 'memory'
  | 'permission'
  | 'corrupt'
  | 'garbage'
  | 'submodule'
  | 'gate'
  | 'verification'
  | 'operator'
  | 'link'
  | 'stopped'
  | 'other';

const ADVICE: Readonly<Record<FailureReason, string>> = {
  authentication:
    'check GITSYNC_USERNAME and GITSYNC_PASSWORD_FILE, GITSYNC_ASKPASS_URL or GITSYNC_SSH_KEY_FILE; they are read again at the next sync',
  'host-key':
    "compare the server's host key with GITSYNC_SSH_KNOWN_HOSTS_FILE; if the server was not replaced on purpose, somebody is between",
  tls: "the server's certificate is not trusted: mount its CA and set GIT_SSL_CAINFO, or correct the server",
  'repository-not-found': 'check GITSYNC_REPO, and whether these credentials may read it',
  'ref-not-found':
    'check GITSYNC_REF: the branch or tag may have been deleted, or the repository is empty; and GITSYNC_REPO: what answers there may be no git server',
  unreachable: 'the server is down or not reachable from here; it is tried again',
  timeout: 'the server is slow, or the repository large: it is tried again; GITSYNC_SYNC_TIMEOUT may be raised',
  'disk-full': 'make room on the volume of GITSYNC_ROOT; old versions were removed, and it is tried again',
  memory:
    'what answers may be no git server; or the repository is large: raise the memory limit of the container, or set GITSYNC_DEPTH=1',
  permission: 'GITSYNC_ROOT and all in it must be writable for the user that this sidecar runs as',
  corrupt: 'the local copy of the repository is fetched anew',
  garbage: 'what answers at GITSYNC_REPO does not speak git, or was cut off; it is tried again',
  submodule: 'correct .gitmodules in the repository, or set GITSYNC_SUBMODULES=off',
  gate: 'push a commit that passes; the version before stays live',
  verification: 'push a commit that works; the version before is live again',
  operator: 'push another commit; the version before is live again',
  link: 'move what is at GITSYNC_LINK away, or choose another GITSYNC_LINK',
  stopped: 'it was asked to stop',
  other: 'see the message; it is tried again',
};

/** A sync, or a part of it, did not succeed. The message holds no secret. */
export class SyncError extends Error {
  override readonly name = 'SyncError';
  readonly reason: FailureReason;
  constructor(reason: FailureReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }

  /** What to do about it. */
  get advice(): string {
    return ADVICE[this.reason];
  }
}

/** What git and ssh say, in the C locale, and what it means. The first that matches counts. */
const MEANINGS: readonly (readonly [RegExp, FailureReason])[] = [
  // Of a file that it cannot write git does not say why; on a volume of our own it is a full one.
  [
    /No space left on device|Disk quota exceeded|ENOSPC|EDQUOT|unable to write (?:file|loose object|new index|new_index)|sha1 file .*write error|error writing to/i,
    'disk-full',
  ],
  [/[Oo]ut of memory|memory exhausted|[Cc]annot allocate memory/, 'memory'],
  [/Host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED|No .+ host key is known/, 'host-key'],
  [/SSL certificate|certificate verif|server certificate/i, 'tls'],
  [
    /Authentication failed|could not read (Username|Password)|terminal prompts disabled|Permission denied \(|requested URL returned error: 40[13]/,
    'authentication',
  ],
  [/couldn't find remote ref|not our ref|unadvertised object|no such remote ref/i, 'ref-not-found'],
  [
    /Could not resolve host|Failed to connect|Connection (refused|reset|timed out|closed)|Couldn't connect|No route to host|Network is unreachable|Operation timed out|Temporary failure in name resolution|requested URL returned error: 5\d\d/i,
    'unreachable',
  ],
  [
    /bad object|loose object .* is corrupt|object file .* is empty|unable to read (tree|sha1 file|\w{40})|missing (blob|tree|commit)|inflate|packfile .* (cannot|does not)|bad tree object|index file corrupt|bad signature|not a git repository: |failed to traverse|bad shallow line|invalid sha1 pointer|bad (?:config line|\w+ config value) .*\.git\/config|Expected git repo version/i,
    'corrupt',
  ],
  [
    /early EOF|unexpected (disconnect|flush|end)|bad line length|protocol error|invalid (server response|index-pack)|not valid: is this a git repository|bad pack|pack has bad|hung up unexpectedly|expected (flush|packfile)|RPC failed|bad band|invalid ls-refs|zlib|HTTP\/0\.9|bytes missing/i,
    'garbage',
  ],
  [
    /[Rr]epository .*not found|does not appear to be a git repository|does not exist|returned error: 404/,
    'repository-not-found',
  ],
  [/Permission denied|Read-only file system|EACCES|EROFS|unable to create/, 'permission'],
];

/** What a text that git, ssh or Node's file system wrote means. */
export function failureReasonOf(text: string): FailureReason {
  return MEANINGS.find(([pattern]) => pattern.test(text))?.[1] ?? 'other';
}

/**
 * Any error as a SyncError.
 * @param redact takes secrets out of the message
 */
export function asSyncError(error: unknown, redact: (text: string) => string = (text) => text): SyncError {
  if (error instanceof SyncError) return error;
  if (error instanceof CommandError) {
    if (error.reason === 'timeout') return new SyncError('timeout', redact(error.message), { cause: error });
    if (error.reason === 'aborted') return new SyncError('stopped', redact(error.message), { cause: error });
    const said = error.stderr.trim() || error.message;
    return new SyncError(failureReasonOf(said), redact(gist(said)), { cause: error });
  }
  const message = error instanceof Error ? error.message : String(error);
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? '';
  return new SyncError(failureReasonOf(`${code} ${message}`), redact(message), { cause: error });
}

/** The lines that say what went wrong, in at most 500 characters. */
function gist(text: string): string {
  const lines = text
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^(@+$|hint:|ssh-keygen |and the repository exists|Please make sure)/.test(line));
  const fatal = lines.filter((line) => /^(fatal|error|remote|ERROR|ssh|Host key|.*Permission denied)/.test(line));
  return (fatal.length > 0 ? fatal : lines).join('; ').slice(0, 500);
}

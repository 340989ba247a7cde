/** The git-sync sidecar's contract. Names and meanings are kubernetes/git-sync v4's where both have a thing. */
import { defineContract } from '#kit/contract/contract.ts';
import { alerts } from './alerts.ts';
import { gitSyncMetrics } from './metrics.ts';

/** A bound in milliseconds that Node's timers can count to. */
const DAY = 86_400_000;
/** More consecutive failures than allowed, or a one-shot sync whose notification failed: sysexits.h's EX_TEMPFAIL. */
export const EXIT_GAVE_UP = 75;

export const contract = defineContract({
  name: 'git-sync',
  version: '2.4.2',
  description:
    'Keeps a directory equal to a git ref: fetches each new commit, checks it, publishes it in one step, tells the application, and goes back when the application does not get well.',
  prefixes: ['GITSYNC_'],
  adminPort: '9941',
  deploy: {
    // git's own processes count too, and a gate's.
    memory: '512m',
    pids: 256,
    // Credentials and ssh's configuration, while a sync needs them; the gate's home.
    tmpfs: ['/tmp'],
    sharesProcesses: true,
  },
  parameters: {
    GITSYNC_REPO: {
      type: 'string',
      required: true,
      accepts: 'https://…, http://…, ssh://…, user@host:path, file:///… or an absolute path',
      description: 'The repository; without a user name or password in it',
    },
    GITSYNC_REF: {
      type: 'string',
      default: 'HEAD',
      pattern: /^(?!-)(?!.*\.\.)(?!.*@\{)[^\s~^:?*[\\\p{Cc}]+$/u,
      accepts: 'a branch, a tag, a full commit hash, or HEAD',
      description: 'What is followed: a branch, a tag (annotated or not), a commit by its full hash, or HEAD',
    },
    GITSYNC_DEPTH: {
      type: 'integer',
      default: '1',
      min: 0,
      max: 1_000_000_000,
      description: 'How many commits of history are fetched; 0 fetches all',
    },
    GITSYNC_SUBMODULES: {
      type: 'enum',
      values: ['recursive', 'shallow', 'off'],
      default: 'recursive',
      description: 'Submodules: those of submodules too, the first level, or none',
    },
    GITSYNC_SPARSE_CHECKOUT_FILE: {
      type: 'path',
      description: "A file of patterns in git's sparse-checkout format: only what they match is checked out",
    },
    GITSYNC_ROOT: {
      type: 'path',
      default: '/git',
      description: 'The directory that holds everything: repository, versions, link',
    },
    GITSYNC_LINK: {
      type: 'string',
      pattern: /^(?![\s-])(?!.*\/$)[^\p{Cc}]+$/u,
      accepts: 'a path below GITSYNC_ROOT, or an absolute path',
      description:
        'Where the live version is published, relative to GITSYNC_ROOT or absolute; the last part of GITSYNC_REPO when not set',
    },
    GITSYNC_PUBLISH: {
      type: 'enum',
      values: ['link', 'exchange'],
      default: 'link',
      description:
        'How: as a symbolic link whose target is named by the commit hash, or as a directory that is exchanged as a whole, for consumers that cannot follow links',
    },
    GITSYNC_SHARE_FILES: {
      type: 'boolean',
      default: 'true',
      description:
        'Files that a commit leaves as they are become hard links to those of the version before, and all files are read-only; false makes every version a copy of its own. Without effect when there is a gate',
    },
    GITSYNC_PERIOD: {
      type: 'duration',
      unit: 's',
      // What kubernetes/git-sync called it until v3.
      deprecated: ['GIT_SYNC_WAIT'],
      min: 10,
      max: DAY,
      description:
        'How long to wait between two looks at the repository; 10s when not set, and 60s where webhooks are received',
    },
    GITSYNC_SYNC_TIMEOUT: {
      type: 'duration',
      unit: 's',
      default: '120s',
      min: 10,
      max: DAY,
      description: 'How long fetching and checking out may take together',
    },
    GITSYNC_ONE_TIME: {
      type: 'boolean',
      default: 'false',
      description: 'End after the first sync, for an init container',
    },
    GITSYNC_MAX_FAILURES: {
      type: 'integer',
      default: '-1',
      min: -1,
      max: 1_000_000,
      description: 'How many failures in a row are survived before it exits; -1 goes on for ever',
    },
    GITSYNC_STALE_WORKTREE_TIMEOUT: {
      type: 'duration',
      unit: 's',
      default: '60s',
      max: DAY,
      description:
        'How long a version is kept after another took its place; the one before the live one, and the last verified one, are always kept',
    },
    GITSYNC_ERROR_FILE: {
      type: 'string',
      pattern: /^(?!\s)[^\p{Cc}]+$/u,
      accepts: 'a path below GITSYNC_ROOT, or an absolute path',
      description: 'A file that holds the current error as JSON, and exists only while there is one',
    },

    GITSYNC_USERNAME: {
      type: 'string',
      pattern: /^[^\p{Cc}]+$/u,
      description: 'User name for HTTP',
    },
    GITSYNC_PASSWORD_FILE: { type: 'path', description: 'File with the password or token for HTTP' },
    GITSYNC_ASKPASS_URL: {
      type: 'url',
      description: 'Asked before each sync for the lines username=… and password=…, instead of the two above',
    },
    GITSYNC_CREDENTIAL: {
      type: 'string',
      accepts: 'JSON: {"url": …, "username": …, "password-file": …}, or an array of these',
      description:
        'Accounts for HTTP addresses that begin with url: those of submodules on other servers, or of single repositories on the same',
    },
    GITSYNC_SSH_KEY_FILE: {
      type: 'string',
      default: '/etc/git-secret/ssh',
      pattern: /^[^\p{Cc}:]+(:[^\p{Cc}:]+)*$/u,
      accepts: 'a path, or several with a colon between two',
      description: 'Private keys for ssh, tried one after the other',
    },
    GITSYNC_SSH_KNOWN_HOSTS_FILE: {
      type: 'path',
      default: '/etc/git-secret/known_hosts',
      description: 'Host keys that are trusted for ssh; a host that is not in it is refused',
    },

    GITSYNC_RECEIVE_SECRET_FILE: {
      type: 'path',
      description: 'Secret of the push webhook, as told to GitHub, GitLab or Gitea; when set, webhooks are received',
    },
    GITSYNC_RECEIVE_ADDRESS: {
      type: 'string',
      default: '0.0.0.0',
      pattern: /^[0-9a-fA-F.:]+$/,
      accepts: 'an IP address',
      description: 'Address on which push webhooks are received',
    },
    GITSYNC_RECEIVE_PORT: { type: 'port', default: '9940', description: 'Port on which push webhooks are received' },
    GITSYNC_RECEIVE_MAX_BODY: {
      type: 'size',
      unit: 'bytes',
      default: '4MiB',
      min: 1024,
      max: 26_214_400,
      description: 'Largest webhook that is read; a larger one gets 413',
    },

    GITSYNC_GATE_COMMAND: {
      type: 'string',
      description:
        'A program and its arguments (no shell) that runs in each new version before it is published; only exit code 0 lets it pass',
    },
    GITSYNC_GATE_TIMEOUT: {
      type: 'duration',
      unit: 's',
      default: '60s',
      min: 10,
      max: DAY,
      description: 'How long the gate may take',
    },
    GITSYNC_GATE_ENV: {
      type: 'list',
      pattern: /^[A-Za-z_][A-Za-z0-9_]*$/,
      accepts: 'a comma-separated list of names of environment variables',
      description: 'Variables that the gate gets as they are, beside PATH, HOME, LANG, GITSYNC_HASH and GITSYNC_REF',
    },

    GITSYNC_SIGNAL: {
      type: 'string',
      accepts: 'a signal and a program in a shared process namespace, such as HUP@nginx',
      description: 'Signal to send after a publication, such as HUP@nginx; needs the pod’s process namespace',
    },
    GITSYNC_EXECHOOK_COMMAND: {
      type: 'string',
      description:
        'A program and its arguments (no shell) to run in the published version after a publication, with GITSYNC_HASH in its environment',
    },
    GITSYNC_EXECHOOK_ENV: {
      type: 'list',
      pattern: /^[A-Za-z_][A-Za-z0-9_]*$/,
      accepts: 'a comma-separated list of names of environment variables',
      description:
        'Variables that this program gets as they are, beside PATH, HOME, LANG, GITSYNC_HASH and GITSYNC_REF',
    },
    GITSYNC_EXECHOOK_TIMEOUT: {
      type: 'duration',
      unit: 's',
      default: '30s',
      min: 10,
      max: DAY,
      description: 'How long that program may take',
    },
    GITSYNC_EXECHOOK_BACKOFF: {
      type: 'duration',
      unit: 's',
      default: '3s',
      min: 10,
      max: DAY,
      description: 'First pause before a failed program or signal is tried again; it grows',
    },
    GITSYNC_WEBHOOK_URL: { type: 'url', description: 'URL to call after a publication, with a Gitsync-Hash header' },
    GITSYNC_WEBHOOK_METHOD: {
      type: 'enum',
      values: ['POST', 'GET', 'PUT'],
      default: 'POST',
      description: 'Its HTTP method',
    },
    GITSYNC_WEBHOOK_SUCCESS_STATUS: {
      type: 'integer',
      default: '200',
      min: 0,
      max: 599,
      description: 'The status that means success; 0 takes any',
    },
    GITSYNC_WEBHOOK_TIMEOUT: {
      type: 'duration',
      unit: 's',
      default: '1s',
      min: 10,
      max: DAY,
      description: 'How long that call may take',
    },
    GITSYNC_WEBHOOK_BACKOFF: {
      type: 'duration',
      unit: 's',
      default: '3s',
      min: 10,
      max: DAY,
      description: 'First pause before a failed call is tried again; it grows',
    },

    GITSYNC_VERIFY_URL: {
      type: 'url',
      description:
        'URL of the application that must be healthy (status 200 to 399) after a publication; otherwise the last version that was is published again',
    },
    GITSYNC_VERIFY_TIMEOUT: {
      type: 'duration',
      unit: 's',
      default: '30s',
      min: 10,
      max: DAY,
      description: 'How long after a publication the application may take to be healthy',
    },
    GITSYNC_VERIFY_STABLE: {
      type: 'duration',
      unit: 's',
      default: '3s',
      min: 0,
      max: DAY,
      description: 'How long it must have been healthy without a break, counted from the publication at the earliest',
    },
  },
  ports: {
    receive: {
      parameter: 'GITSYNC_RECEIVE_PORT',
      description:
        'push webhooks, by POST to any path; listens only with GITSYNC_RECEIVE_SECRET_FILE. With Prefer: wait=SECONDS the answer is one JSON object a line, until it is known what became of the push',
    },
  },
  endpoints: {
    '/startupz': 'a version is published: 200 or 503; for an application that starts after its first content',
    '/status': 'the same as text, for people: what is live, and the last refusal with the output of the gate',
    '/version': 'JSON: the live, previous, verified and refused commits, and the last error',
  },
  paths: {
    GITSYNC_LINK: 'the live version; as a link, its target’s last part is the commit hash',
    GITSYNC_ROOT: 'mounted whole by consumers: a mount of the link itself would stay at one version',
  },
  signals: {
    SIGHUP: 'sync now',
    SIGUSR2: 'roll back: the version before is published, and the live commit is refused until the ref moves',
  },
  exitCodes: { [EXIT_GAVE_UP]: 'more failures in a row than GITSYNC_MAX_FAILURES' },
  alerts,
  metrics: gitSyncMetrics,
});

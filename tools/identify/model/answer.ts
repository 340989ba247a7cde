/** What `identify` answers. The JSON output is this, unchanged: its field names are a contract. */

/** What a container is in its group. */
export type ContainerClass = 'app' | 'sidecar' | 'native-sidecar' | 'init' | 'peer' | 'pause';

export type Role =
  | 'app'
  | 'mesh-proxy'
  | 'proxy'
  | 'tls'
  | 'auth'
  | 'db-proxy'
  | 'vpn'
  | 'log-shipper'
  | 'metrics'
  | 'agent'
  | 'config'
  | 'secrets'
  | 'certs'
  | 'git-sync'
  | 'content'
  | 'backup'
  | 'cron'
  | 'health'
  | 'controller'
  | 'engine'
  | 'debug'
  | 'ambassador'
  | 'cache'
  | 'init-network'
  | 'migration'
  | 'wait'
  | 'init'
  | 'pause'
  | 'unknown';

export interface Evidence {
  readonly file: string;
  readonly line: number;
  /** What was seen, and what it says. */
  readonly text: string;
  /** 0 to 1: how much it says by itself. */
  readonly weight: number;
}

export interface Member {
  readonly name: string;
  readonly class: ContainerClass;
  readonly role: Role;
  /** 0 to 1. */
  readonly confidence: number;
  readonly evidence: readonly Evidence[];
}

export type WarningCode =
  | 'owner-can-be-replaced'
  | 'localhost-without-shared-network'
  | 'privileged'
  | 'docker-socket'
  | 'joins-external-container'
  | 'host-network'
  | 'host-pid'
  | 'job-sidecar-not-native'
  | 'missing-depends-on'
  | 'log-volume-not-shared';

export interface Warning {
  readonly code: WarningCode;
  readonly level: 'warning' | 'note';
  readonly file: string;
  readonly line: number;
  /** What is wrong and what to do. */
  readonly message: string;
}

export interface Group {
  /** The file, or the first of the files, that describes it. */
  readonly source: string;
  readonly workload: { readonly kind: string; readonly name: string };
  /** The service whose namespace the others join; compose only. */
  readonly owner?: string;
  readonly shares: {
    readonly network: boolean;
    readonly pid: boolean;
    readonly ipc: boolean;
    readonly volumes: readonly string[];
  };
  readonly containers: readonly Member[];
  readonly warnings: readonly Warning[];
}

/** Something that a reader should know and that is no group: a file that cannot be read, a template, an annotation. */
export interface Note {
  readonly code: string;
  readonly level: 'error' | 'warning' | 'note';
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

export interface Answer {
  readonly groups: readonly Group[];
  readonly notes: readonly Note[];
}

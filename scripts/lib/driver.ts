/**
 * What a scenario may ask of whatever runs its stack: docker compose, or podman with the stack's exported manifests.
 * A scenario does not know which; an obligation that needs what only one of them has says so (`needs`).
 */
import type { ComposeSpecification } from 'docker-compose';
import type { DockerOptions } from './engine.ts';

/** What an obligation may need of a driver beyond what every driver has. */
export type Need =
  /** Sidecars that are up before their application starts. */
  | 'start-order'
  /** A logging driver of docker's, which sends a container's output to a listener. */
  | 'log-driver'
  /** A container that sees the limits of its own control group, and no other. */
  | 'own-cgroup'
  /** `docker compose` itself: a second `up`, another file laid over. */
  | 'compose'
  /** A pod that is stopped and started as it is, and an init container of it that runs once more (`rerun`). */
  | 'same-pod'
  /** A container that stays the same when it is restarted, with its id. */
  | 'same-container'
  /** Names with dots by which containers find one another. */
  | 'dotted-names';

/** What a driver lacks, with the reason that is told for an obligation that is skipped for it. */
export type Lacks = Readonly<Partial<Record<Need, string>>>;

/** The parts of `docker inspect` that are looked at. */
export interface Inspected {
  readonly Id: string;
  readonly Name: string;
  readonly Image: string;
  readonly RestartCount: number;
  readonly Created: string;
  readonly State: {
    readonly Status: string;
    readonly Running: boolean;
    readonly ExitCode: number;
    readonly OOMKilled: boolean;
    readonly Error: string;
    readonly StartedAt: string;
    readonly FinishedAt: string;
    /** Of the first process, as the engine's machine counts; 0 when it does not run. */
    readonly Pid: number;
    readonly Health?: {
      readonly Status: string;
      readonly Log: readonly { readonly End: string; readonly ExitCode: number; readonly Output: string }[];
    };
  };
  readonly Config: {
    readonly Labels: Readonly<Record<string, string>>;
    readonly Env: readonly string[];
    readonly Cmd: readonly string[] | null;
  };
  readonly HostConfig: {
    readonly RestartPolicy: { readonly Name: string };
    /** The limit in bytes; 0 for none. */
    readonly Memory: number;
  };
  readonly Mounts: readonly { readonly Name?: string; readonly Destination: string; readonly RW: boolean }[];
  readonly NetworkSettings: { readonly Networks: Readonly<Record<string, { readonly IPAddress: string }>> };
}

export interface Driver {
  /** The run's name. */
  readonly name: string;
  /** The folder of the stack. */
  readonly dir: string;
  /** The published ports, by the variable that pins each. */
  readonly env: Readonly<Record<string, string>>;
  readonly lacks: Lacks;

  /**
   * Run a program in a service's running container; in that of a pause service, in one of its pod.
   * @returns its standard output
   */
  exec(service: string, args: readonly string[], options?: DockerOptions & { user?: string }): Promise<string>;
  /**
   * Run a one-off container of a service.
   * @returns its standard output
   */
  run(service: string, args: readonly string[]): Promise<string>;
  /** What a container wrote, stdout and stderr together. */
  logs(container: string, tail?: number | 'all'): Promise<string>;
  /** The container's id of a service. */
  id(service: string): Promise<string>;
  inspect(service: string): Promise<Inspected>;
  /** Every container of the run, running or not. */
  containers(): Promise<Inspected[]>;
  /** The address on this machine at which a service's port is published, `127.0.0.1:32768`. */
  port(service: string, port: number): Promise<string>;

  /** End every process of a service as a crash does: its restart policy brings it back. */
  crash(service: string): Promise<void>;
  /** End a service's container by KILL, as an operator would: it stays down. */
  kill(service: string): Promise<void>;
  /** Stop a service's container, as an operator would: it stays down. */
  stop(service: string): Promise<void>;
  /** Start what was stopped or killed, and wait until it is healthy. */
  start(service: string): Promise<void>;
  /** Start what was stopped or killed, without waiting. */
  launch(service: string): Promise<void>;
  /** Run a service that has ended once more, to its end. */
  rerun(service: string): Promise<void>;
  /** Halt every process of a service's container, as `docker pause` does. */
  pause(service: string): Promise<void>;
  /** Take `pause` back. */
  unpause(service: string): Promise<void>;
  /** Take a pod, by its pause service, from one of its networks; its published ports stay. */
  cut(service: string, network: string): Promise<void>;
  /** Take `cut` back. */
  heal(service: string, network: string): Promise<void>;

  /** `docker compose ARGS…`; only for an obligation that needs `compose`. */
  compose(args: readonly string[], options?: DockerOptions): Promise<string>;
  /** The project as compose resolves it. */
  config(): Promise<ComposeSpecification>;
  /** Bring everything up and wait until it is healthy. */
  up(services?: readonly string[], options?: DockerOptions): Promise<void>;
  /** Remove everything, volumes too. */
  down(options?: DockerOptions): Promise<void>;
}

/** Containers as the engine's interface tells of them, and what of it the page is told. */
import { STACK_LABEL, ROLE_LABEL } from '../../scripts/lib/labels.ts';

/** The parts of /containers/ID/json that are looked at. */
export interface Container {
  readonly Id: string;
  readonly Name: string;
  readonly RestartCount: number;
  readonly State: {
    readonly Status: string;
    readonly Running: boolean;
    readonly Paused: boolean;
    readonly ExitCode: number;
    readonly Pid: number;
    readonly StartedAt: string;
    readonly Health?: { readonly Status: string };
  };
  readonly Config: {
    readonly Image: string;
    readonly Labels: Readonly<Record<string, string>> | null;
    readonly Env: readonly string[] | null;
  };
  readonly HostConfig: {
    readonly NetworkMode: string;
    readonly PidMode: string;
    readonly IpcMode: string;
    readonly NanoCpus: number;
    readonly CpuQuota: number;
    readonly RestartPolicy: { readonly Name: string };
  };
  readonly Mounts: readonly {
    readonly Type: string;
    readonly Name?: string;
    readonly Destination: string;
    readonly RW: boolean;
  }[];
  readonly NetworkSettings: {
    readonly Ports: Readonly<Record<string, readonly { HostIp: string; HostPort: string }[] | null>> | null;
    readonly Networks: Readonly<
      Record<
        string,
        {
          readonly IPAddress: string;
          readonly Aliases: readonly string[] | null;
          readonly DNSNames?: readonly string[] | null;
        }
      >
    >;
  };
}

export const PROJECT_LABEL = 'com.docker.compose.project';

const label = ({ Config }: Container, name: string): string | undefined => Config.Labels?.[name];
export const projectOf = (container: Container): string => label(container, PROJECT_LABEL) ?? '';
export const serviceOf = (container: Container): string =>
  label(container, 'com.docker.compose.service') ?? container.Name.slice(1);
export const roleOf = (container: Container): string => label(container, ROLE_LABEL) ?? 'app';
export const isOurs = (container: Container): boolean => label(container, STACK_LABEL) !== undefined;

/** A variable of its environment. */
export const variable = ({ Config }: Container, name: string): string | undefined =>
  (Config.Env ?? []).find((line) => line.startsWith(`${name}=`))?.slice(name.length + 1);

/** The container whose namespace of a kind it was told to join, by id. */
export function joined({ HostConfig }: Container, kind: 'net' | 'pid' | 'ipc'): string | undefined {
  const mode = { net: HostConfig.NetworkMode, pid: HostConfig.PidMode, ipc: HostConfig.IpcMode }[kind];
  return /^container:(.+)$/.exec(mode)?.[1];
}

/** Published ports, as a person types them. */
export function portLines({ NetworkSettings }: Container): string[] {
  const ports = Object.entries(NetworkSettings.Ports ?? {}).flatMap(([inside, bindings]) =>
    (bindings ?? []).map(({ HostIp, HostPort }) => `${HostIp}:${HostPort} → ${inside.replace('/tcp', '')}`),
  );
  return [...new Set(ports)];
}

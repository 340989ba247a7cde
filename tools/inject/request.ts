/** What is to be injected, as said on the command line and as kept in the file that was written. */

export interface Injection {
  readonly sidecar: string;
  readonly into: string;
  /** Parameters of the sidecar. */
  readonly set: Readonly<Record<string, string>>;
  /** Published ports of the sidecar, in compose's short form. */
  readonly publish: readonly string[];
  /** Paths of the application that the sidecar is to see too. */
  readonly share: readonly string[];
  /** Who runs it, `UID` or `UID:GID`: the owner of a file that it replaces. Its own user when absent. */
  readonly user?: string;
  /** Secrets, configs and files of the project, by the parameter that names the file in the container. */
  readonly files?: Readonly<Record<string, ProjectFile>>;
  /** A port of the application: what is published of it leads to the sidecar's first port instead. */
  readonly instead?: number;
  /** Where it was asked for; on the command line of `inject` when absent. */
  readonly from?: 'x-sidecars';
}

/** A secret or config by its name in the project, or what is mounted: a path, or a volume and a path in it. */
export type ProjectFile =
  | { readonly secret: string }
  | { readonly config: string }
  | { readonly mount: string; readonly inside?: string };

/** What `user` may be: no name, since a sidecar's image has none. */
export const USER = /^\d{1,9}(?::\d{1,9})?$/;

/** The name that asks for a pod without a sidecar. */
export const POD_ONLY = 'pod';

/** Same service, same sidecar. */
export const sameTarget = (a: Injection, b: Injection): boolean => a.sidecar === b.sidecar && a.into === b.into;

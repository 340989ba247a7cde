/** A base image of ours: the name that Dockerfiles and the catalogue use, and where it comes from. */
export interface BaseImage {
  name: string;
  /** The official image, for where a registry answers. */
  official: string;
  /** The Debian release that it is, or that it stands on. */
  release: 'trixie' | 'bookworm';
  /** It holds Node too. */
  node: boolean;
}

/** The label's value on a base image. */
export const BASE = 'base';

/** Every base image, and the only place that names them. A Node base stands on the plain one of its release. */
export const BASE_IMAGES: readonly BaseImage[] = [
  { name: 'sidecar-stacks/debian:trixie', official: 'debian:trixie-slim', release: 'trixie', node: false },
  { name: 'sidecar-stacks/debian:bookworm', official: 'debian:bookworm-slim', release: 'bookworm', node: false },
  { name: 'sidecar-stacks/node:26', official: 'node:26-trixie-slim', release: 'trixie', node: true },
];

export interface MakeOptions {
  say: (line: string) => void;
  /** Go's name of the engine's processor. */
  arch: string;
  signal?: AbortSignal | undefined;
}

/** The file that compose lays over the user's. */
import { tagged } from '../yaml/tagged.ts';
import type { MeshOptions } from './mesh.ts';
import type { Injection } from './request.ts';

export interface Override {
  readonly injections: readonly Injection[];
  readonly mesh?: MeshOptions | undefined;
  readonly services: Record<string, Record<string, unknown>>;
  readonly volumes: Record<string, null>;
}

/** Extension field that keeps what was asked for, so that a second call and --undo know. */
export const FIELD = 'x-sidecar-stacks';

const HEAD = ` Written by \`sidecar-stacks\` (up, inject): change it by those commands, not by hand.
 What \`docker compose up\` is given it after: the project's own files, which stay as they are.`;

/** @returns the file's text */
export function overrideText({ injections, mesh, services, volumes }: Override): string {
  const content: Record<string, unknown> = { [FIELD]: { injections, ...(mesh && { mesh }) }, services };
  if (Object.keys(volumes).length > 0) content['volumes'] = volumes;
  return tagged(content, HEAD);
}

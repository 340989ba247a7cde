/** Looks from inside the stack's containers. */
import { adminPage } from '../../../scripts/lib/admin.ts';
import type { Project } from '../../../scripts/lib/compose.ts';

interface Identity {
  readonly version: string;
  readonly digest: string;
}

/** What a sidecar says of a file at /status. */
export interface FileStatus {
  readonly key: string;
  readonly source: Identity | null;
  readonly verified: Identity | null;
  readonly refused: (Identity & { readonly state: string; readonly reason: string }) | null;
  readonly in_sync: boolean;
  readonly problem: string | null;
}

/** A sidecar's word on one of its files. */
export async function fileStatus(project: Project, sidecar: string, key: string): Promise<FileStatus> {
  const { files } = JSON.parse((await adminPage(project, sidecar, '/status')).body) as { files: FileStatus[] };
  const found = files.find((file) => file.key === key);
  if (!found) throw new Error(`${sidecar} knows no ${key}`);
  return found;
}

/** True when a sidecar's /readyz answers 200; the reason that it gives otherwise. */
export async function readiness(project: Project, sidecar: string): Promise<true | string> {
  const { status, body } = await adminPage(project, sidecar, '/readyz');
  if (status === 200) return true;
  const { checks } = JSON.parse(body) as { checks: Record<string, { reason?: string }> };
  return Object.values(checks)
    .map(({ reason }) => reason ?? '')
    .join(' ')
    .trim();
}

/** A file's inode, size and time of change: what a write of any kind would alter. */
export const fileIdentity = (project: Project, service: string, path: string): Promise<string> =>
  project.exec(service, ['stat', '--format', '%i %s %.Z %a %u:%g', path]);

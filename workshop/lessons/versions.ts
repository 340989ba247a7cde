/** What exercises on contracts look at: whether a version says how much has changed. */
import { compareDockerfiles, verdict } from '../../tools/contract/compare.ts';
import type { DockerfileFacts } from '../../tools/contract/dockerfile.ts';
import { need } from './exercise.ts';
import { why } from './why.ts';

/** @throws {Unmet} when nothing has changed, and when the version went up by too little */
export function versionTells(before: DockerfileFacts, after: DockerfileFacts): void {
  const changes = compareDockerfiles(before, after);
  need(changes.length > 0, why('nothingChanged'));
  const { enough, needed, from, to } = verdict(before, after, changes);
  const { what, gone } = changes[0]!;
  need(enough, why('versionTooSmall', { change: why(gone ? 'isGone' : 'isOther', { what }), needed, from, to }));
}

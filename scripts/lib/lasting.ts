/** The containers of a stack that last, as they are told apart from what a second `up` would put in their place. */
import type { Project } from './compose.ts';

/**
 * Id and start time of every container, but of init containers: they have ended, and compose runs them
 * again at each `up`.
 */
export async function lasting(project: Project): Promise<string[]> {
  return (await project.containers())
    .filter(({ Config }) => Config.Labels['dev.sidecar-stacks.role'] !== 'init')
    .map(({ Id, State }) => `${Id} ${State.StartedAt}`)
    .toSorted();
}

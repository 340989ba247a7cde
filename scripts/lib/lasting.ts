/** The containers of a stack that last, as they are told apart from what a second `up` would put in their place. */
import type { Driver } from './driver.ts';

/**
 * Name, id, start time and restarts of every container: what replacing or restarting it would change. But not of
 * init containers: they have ended, and compose runs them again at each `up`.
 * @param except services that are left out
 */
export async function lasting(project: Driver, ...except: string[]): Promise<string[]> {
  return (await project.containers())
    .filter(({ Config }) => Config.Labels['dev.sidecar-stacks.role'] !== 'init')
    .filter(({ Config }) => !except.includes(Config.Labels['com.docker.compose.service']!))
    .map(({ Name, Id, State, RestartCount }) => `${Name} ${Id} ${State.StartedAt} ${RestartCount}`)
    .toSorted();
}

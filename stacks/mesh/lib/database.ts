/** The database of the shop. */
import type { Project } from '../../../scripts/lib/compose.ts';

/** Its password, which is made anew for each run. */
export const passwordOf = (project: Project): Promise<string> =>
  project.exec('orders', ['sed', 's/.*://', '/secrets/pgpass']);

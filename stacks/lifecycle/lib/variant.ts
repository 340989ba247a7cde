/** The stack wired or configured another way, in a project of its own that is always removed. */
import { join } from 'node:path';
import { freePort } from '#kit/testing/ports.ts';
import { Project } from '../../../scripts/lib/compose.ts';
import { enterRun, leaveRun } from '../../../scripts/runner/runs.ts';

export interface VariantOptions {
  /** The run's own project, whose name the variant's is derived from. */
  readonly of: Project;
  /** The file in variants/, without its ending, and the name of the project. */
  readonly name: string;
  /** False for a file that stands alone, true for one that is laid over compose.yaml. */
  readonly over: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Use a variant.
 * @param use gets its project, not yet up, and its published port
 */
export async function withVariant<T>(
  { of, name, over, env = {} }: VariantOptions,
  use: (project: Project, port: number) => Promise<T>,
): Promise<T> {
  const port = await freePort();
  const file = join(of.dir, 'variants', `${name}.yaml`);
  const project = new Project({
    name: `${of.name}-${name}`,
    dir: of.dir,
    env: {
      ...env,
      COMPOSE_FILE: over ? `${join(of.dir, 'compose.yaml')}:${file}` : file,
      COMPOSE_PATH_SEPARATOR: ':',
      PUBLISH_HTTPS: String(port),
    },
  });
  // A scenario that is killed cannot clean up; the next run of any stack then does.
  enterRun(project.name, 'lifecycle');
  try {
    return await use(project, port);
  } finally {
    await project.compose(['down', '--volumes', '--remove-orphans', '--timeout', '2'], { timeoutMs: 120_000 });
    leaveRun(project.name);
  }
}

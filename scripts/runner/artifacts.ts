/** What a failed run leaves behind, so that it can be understood without a second one. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { docker } from '../lib/engine.ts';
import { serviceOf } from '../lib/compose.ts';
import type { Driver } from '../lib/driver.ts';
import { ROOT } from '../lib/stacks.ts';

/**
 * Write `artifacts/STACK/RUN/`: the resolved compose file, the engine's events, every container's
 * inspect and log, and what the scenario printed. What cannot be had is left out, with its error.
 * @param since when the run began, milliseconds since the epoch
 * @returns the folder, relative to the project's root
 */
export async function writeArtifacts(
  stack: string,
  project: Driver,
  since: number,
  scenarioOutput: string,
): Promise<string> {
  const dir = join(ROOT, 'artifacts', stack, project.name);
  await mkdir(dir, { recursive: true });
  const write = async (name: string, content: () => string | Promise<string>): Promise<void> => {
    const text = await Promise.resolve()
      .then(content)
      .catch((error: Error) => `not to be had: ${error.message}\n`);
    if (text !== '') await writeFile(join(dir, name), text);
  };
  const time = (milliseconds: number): string => (milliseconds / 1000).toFixed(3);
  const containers = await project.containers().catch(() => []);
  await Promise.all([
    write('compose.yaml', () => project.compose(['config'], { timeoutMs: 20_000 })),
    write('events.jsonl', () =>
      docker(
        [
          'events',
          '--since',
          time(since),
          '--until',
          time(Date.now()),
          '--filter',
          `label=com.docker.compose.project=${project.name}`,
          '--format',
          '{{json .}}',
        ],
        { timeoutMs: 20_000 },
      ),
    ),
    write('inspect.json', () => JSON.stringify(containers, null, 2)),
    write('scenario.txt', () => scenarioOutput),
    ...containers.map((container) => write(`${serviceOf(container)}.log`, () => project.logs(container.Id))),
  ]);
  return relative(ROOT, dir);
}

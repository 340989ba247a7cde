/** What of a compose project is laid aside so that several copies of it run at once. */
import { loadProject } from '../compose/project.ts';
import { get, items, text, toValue } from '../yaml/tree.ts';
import { OVERRIDE, RESET, tagged } from '../yaml/tagged.ts';

/**
 * A compose file to lay over a project's: published ports are free ones of 127.0.0.1, and containers
 * get the project's names instead of fixed ones.
 * @param files compose files
 * @param folder from which they resolve
 * @returns its text; undefined when there is nothing to lay aside
 */
export function isolation(files: readonly string[], folder: string): string | undefined {
  const project = loadProject(files, { base: folder, environment: process.env });
  const [problem] = project.problems;
  if (problem) throw new Error(`${problem.at.file}:${problem.at.line}: ${problem.message}`);
  const services: Record<string, Record<string, unknown>> = {};
  for (const { name, tree } of project.services.values()) {
    const ports = items(get(tree, 'ports')).flatMap((item): (string | object)[] => {
      if (item.kind === 'map')
        return [{ ...(toValue(item) as object), published: '', host_ip: '127.0.0.1', mode: 'ingress' }];
      const line = text(item);
      return line === undefined ? [] : [`127.0.0.1::${line.split(':').at(-1)!}`];
    });
    const own: Record<string, unknown> = {};
    if (ports.length > 0) own['ports'] = OVERRIDE(ports);
    if (get(tree, 'container_name') !== undefined) own['container_name'] = RESET(null);
    if (Object.keys(own).length > 0) services[name] = own;
  }
  return Object.keys(services).length === 0 ? undefined : tagged({ services });
}

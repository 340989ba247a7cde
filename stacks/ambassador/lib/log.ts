/** What an ambassador writes down. */
import type { Driver } from '../../../scripts/lib/driver.ts';

export type Entry = Readonly<Record<string, unknown>>;

/** All entries of a service's log that have a field. */
export async function entriesOf(project: Driver, service: string, field: string): Promise<Entry[]> {
  const text = await project.logs(await project.id(service), 'all');
  return text.split('\n').flatMap((line) => {
    if (!line.startsWith('{')) return [];
    const entry = JSON.parse(line) as Entry;
    return field in entry ? [entry] : [];
  });
}

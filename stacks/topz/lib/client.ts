/** What somebody outside gets from topz. */
import * as assert from 'uvu/assert';
import type { Stage } from '../../../scripts/scenario/scenario.ts';
import type {
  DetailDocument,
  GroupDocument,
  OverviewDocument,
  ProcessDocument,
} from '../../../sidecars/topz/src/view/document.ts';

export type { DetailDocument, GroupDocument, OverviewDocument, ProcessDocument };

const PATIENCE = 10_000;

/** Topz at one port of this machine. */
export class Topz {
  readonly port: number;

  constructor(port: number) {
    this.port = port;
  }

  get(path: string, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.port}${path}`, { headers, signal: AbortSignal.timeout(PATIENCE) });
  }

  /** The body of a path that must be there. */
  async text(path: string, headers?: Record<string, string>): Promise<string> {
    const response = await this.get(path, headers);
    assert.is(response.status, 200, path);
    return response.text();
  }

  async overview(): Promise<OverviewDocument> {
    return JSON.parse(await this.text('/topz?format=json')) as OverviewDocument;
  }

  async detail(pid: number): Promise<DetailDocument> {
    return JSON.parse(await this.text(`/topz?pid=${pid}&format=json`)) as DetailDocument;
  }

  /** The samples of one metric, by container. */
  async metric(name: string, labels = ''): Promise<Map<string, number>> {
    const found = new Map<string, number>();
    for (const line of (await this.text('/metrics')).split('\n')) {
      const [, metric, container, rest, value] =
        /^(\w+)\{groupname="[^"]*",container="([^"]*)"(.*)\} (.+)$/.exec(line) ?? [];
      if (metric === name && rest!.includes(labels)) found.set(container!, Number(value));
    }
    return found;
  }
}

/** Topz of the run. */
export const topzOf = ({ port }: Pick<Stage, 'port'>): Topz => new Topz(port('TOPZ'));

/** The group of a program's container. */
export function groupOf(document: OverviewDocument, name: string): GroupDocument {
  const group = document.groups.find((each) => each.name === name);
  assert.ok(group, `a container named ${name} among ${document.groups.map((each) => each.name).join(', ')}`);
  return group;
}

/** The processes of a program's container, oldest first. */
export function processesOf(document: OverviewDocument, name: string): ProcessDocument[] {
  const { id } = groupOf(document, name);
  return document.processes.filter(({ group }) => group === id).toSorted((a, b) => a.pid - b.pid);
}

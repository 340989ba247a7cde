/** The documents beside what the README says of them: fields and types, both ways. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Group } from '../sampling/groups.ts';
import { createMask } from '../mask/mask.ts';
import { readDetails } from '../proc/details.ts';
import { Users } from '../proc/users.ts';
import { Sampler } from '../sampling/sampler.ts';
import { detailDocument, overviewDocument, PTRACE } from './document.ts';

const README = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');

/** Field and type of each row of a table. */
function described(section: string): Map<string, string> {
  const [, table] = new RegExp(`<!-- fields:${section} -->\n([\\s\\S]*?)<!-- /fields -->`).exec(README)!;
  return new Map([...table!.matchAll(/^\| `(\w+)` +\| ([^|]+?) +\|/gm)].map(([, name, type]) => [name!, type!]));
}

const TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  number: (value) => typeof value === 'number' && Number.isFinite(value),
  string: (value) => typeof value === 'string',
  object: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  list: Array.isArray,
  'list of numbers': (value) => Array.isArray(value) && value.every((each) => typeof each === 'number'),
  null: (value) => value === null,
};

function agree(document: object, section: string, optional: readonly string[] = []): void {
  const table = described(section);
  assert.equal(
    Object.keys(document).filter((name) => !optional.includes(name)),
    [...table.keys()].filter((name) => !optional.includes(name)),
    section,
  );
  for (const [name, value] of Object.entries(document)) {
    const types = table.get(name)!.split(' or ');
    assert.ok(
      types.some((type) => TYPES[type]!(value)),
      `${section} ${name}: ${JSON.stringify(value)} is ${types.join(' or ')}`,
    );
  }
}

const sampler = new Sampler({
  mask: createMask({ enabled: true }),
  maxProcesses: 10_000,
  maxGroups: 64,
  period: 1000,
  span: 60_000,
});
test.after(() => sampler.stop());
const users = new Users();

test('all fields are described, and all that is described is there', () => {
  const overview = overviewDocument(sampler.look(), users, { withHistory: true, period: 1000 });
  agree(overview, 'overview', ['problem']);
  assert.ok(overview.processes.length > 0 && overview.groups.length > 0);
  for (const process of overview.processes) agree(process, 'process', ['lacks']);
  for (const group of overview.groups) agree(group, 'group', ['container', 'memory_limit_bytes', 'processors_limit']);
  const snapshot = sampler.look();
  const own = snapshot.processes.get(process.pid)!;
  agree(detailDocument(own, readDetails(process.pid), snapshot, users, 1000), 'detail', ['lacks']);
});

test('histories come only when asked for', () => {
  const { groups } = overviewDocument(sampler.look(), users, { withHistory: false, period: 1000 });
  assert.ok(groups.every((group) => !('history' in group)));
});

test('sums of a group are those of its processes', () => {
  const { groups, processes } = overviewDocument(sampler.look(), users, { withHistory: false, period: 0 });
  for (const group of groups) {
    const members = processes.filter((each) => each.group === group.id);
    assert.is(group.processes, members.length);
    assert.is(
      group.resident_bytes,
      members.reduce((sum, each) => sum + each.resident_bytes, 0),
    );
    assert.is(
      group.threads,
      members.reduce((sum, each) => sum + each.threads, 0),
    );
  }
});

test('what may not be read names the privilege', () => {
  const snapshot = sampler.look();
  const own = snapshot.processes.get(process.pid)!;
  const { lacks } = detailDocument(own, { limits: [], namespaces: null, sockets: null }, snapshot, users, 0);
  assert.equal(lacks, { namespaces: PTRACE, sockets: PTRACE });
  const files = own.openFiles;
  own.openFiles = null;
  const { process: shown } = detailDocument(own, readDetails(own.pid), snapshot, users, 0);
  own.openFiles = files;
  assert.is(shown.open_files, null);
  assert.is(shown.lacks!['open_files'], PTRACE);
});

test('start times are those of the machine', () => {
  const { processes, time } = overviewDocument(sampler.look(), users, { withHistory: false, period: 0 });
  const own = processes.find(({ pid }) => pid === process.pid)!;
  assert.ok(Math.abs(Date.parse(own.started) - performance.timeOrigin) < 30_000, own.started);
  assert.ok(Math.abs(Date.parse(time) - Date.parse(own.started) - own.elapsed_seconds * 1000) < 3000);
});

test('what is only there at times is described, too', () => {
  const hidden = new Sampler({
    mask: createMask({ enabled: true }),
    proc: '/nowhere',
    maxProcesses: 10,
    maxGroups: 4,
    period: 0,
    span: 0,
  });
  agree(overviewDocument(hidden.look(), users, { withHistory: false, period: 0 }), 'overview');
  const group = new Group('aaaaaaaaaaaa', 60, 'shop');
  const snapshot = sampler.look();
  group.add(snapshot.processes.get(process.pid)!);
  group.settle(() => ({ memoryBytes: 1, processors: null }));
  const document = overviewDocument({ ...snapshot, groups: [group] }, users, { withHistory: true, period: 1000 });
  agree(document.groups[0]!, 'group');
});

test.run();

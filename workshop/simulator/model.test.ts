/** The model tells of each happening what the lifecycle stack sees in containers, and whatever happens, it comes to rest. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import { ROOT } from '../../scripts/lib/stacks.ts';
import { EXPECTED } from '../../stacks/lifecycle/lib/expected.ts';
import {
  begin,
  crash,
  engine,
  hang,
  isServed,
  isStranded,
  recreate,
  restart,
  settle,
  step,
  stop,
  up,
  type ProjectState,
} from './model.ts';
import { WIRINGS, type WiringName } from './wirings.ts';

const HAPPENINGS = { crash, hang, restart, recreate } as const;
const upped = (wiring: WiringName): ProjectState => settle(up(begin(WIRINGS[wiring])));
const FILES = { pod: 'compose.yaml', naive: 'variants/naive.yaml' } as const;
const names = (project: ProjectState): string[] => project.parts.map(({ service }) => service);

for (const name of ['pod', 'naive'] as const) {
  test(`the parts of ${name} are those of the lifecycle stack, wired as there`, () => {
    const { services } = parse(readFileSync(join(ROOT, 'stacks/lifecycle', FILES[name]), 'utf8'), { merge: true }) as {
      services: Record<string, { network_mode?: string; depends_on?: Record<string, { condition: string }> }>;
    };
    const parts = WIRINGS[name];
    assert.equal(parts.map(({ service }) => service).toSorted(), Object.keys(services).toSorted());
    for (const { service, joins, needs } of parts) {
      const { network_mode: mode = '', depends_on: depends = {} } = services[service]!;
      const joined = /^service:(.+)$/.exec(mode)?.[1] ?? null;
      assert.is(joins, joined, `${service} joins`);
      const said = Object.fromEntries(
        Object.entries(depends).map(([each, { condition }]) => [
          each,
          { service_completed_successfully: 'completed', service_started: 'started', service_healthy: 'healthy' }[
            condition
          ],
        ]),
      );
      // Compose itself makes a joiner wait for the one whose network it joins.
      assert.equal(needs, joined === null ? said : { [joined]: 'started', ...said }, `${service} waits for`);
    }
  });
}

for (const { wiring, happening, to, ...then } of EXPECTED)
  test(`${wiring}: ${happening} of ${to} ends as in containers`, () => {
    const before = upped(wiring);
    assert.ok(isServed(before));
    const after = settle(HAPPENINGS[happening](before, to));
    const [was, is] = [before.containers[to]!, after.containers[to]!];
    assert.is(is.state, 'running');
    assert.is(is.id === was.id, then.sameContainer, 'the same container');
    assert.is(is.restarts, then.restarts, 'restarts by the engine');
    assert.equal(
      names(after).filter((each) => isStranded(after, each)),
      then.stranded,
    );
    assert.is(isServed(after), then.served);
    for (const other of names(after)) if (other !== to) assert.equal(after.containers[other], before.containers[other]);
  });

test('a second `up` restarts only the init container, and does not mend what is stranded', () => {
  for (const before of [upped('pod'), settle(crash(upped('naive'), 'reports'))]) {
    const after = settle(up(before));
    for (const each of names(after))
      if (each !== 'prepare') assert.equal(after.containers[each], before.containers[each]);
    assert.is(isServed(after), isServed(before));
  }
});

test('a new app container strands a sidecar that is wired to it, and it cannot even start again', () => {
  const after = settle(recreate(upped('naive'), 'reports'));
  assert.ok(isStranded(after, 'tls'));
  const tried = settle(crash(after, 'tls'));
  assert.is(tried.containers['tls']!.state, 'exited');
});

test('everything starts in order: init, pod, sidecars, and the app when they are ready', () => {
  const order: string[] = [];
  let { project } = up(begin(WIRINGS.pod));
  for (let next = step(project); next; next = step(project)) {
    order.push(`${next.said.service} ${next.said.what}`);
    project = next.project;
  }
  assert.equal(order, [
    'prepare started',
    'prepare init-ended',
    'pod started',
    'pod is-ready',
    'tls started',
    'tls is-ready',
    'probe started',
    'probe is-ready',
    'reports started',
    'reports is-ready',
  ]);
});

test('everything stops in the order of the stack: app, sidecars, pod', () => {
  const { project } = stop(upped('pod'));
  assert.is(project.stopping[0], 'reports');
  assert.is(project.stopping.at(-1), 'pod');
  assert.ok(names(project).every((each) => settle({ project }).containers[each]!.state === 'exited'));
});

test('the pod restarted by compose: all who joined it follow, into one new network', () => {
  const before = upped('pod');
  const after = settle(restart(before, 'pod'));
  const networks = ['pod', 'tls', 'probe', 'reports'].map((each) => after.containers[each]!.network);
  assert.is(new Set(networks).size, 1);
  assert.is.not(networks[0], before.containers['pod']!.network);
});

test('the engine ends: restarted, all come back; killed, none; with live-restore, none notices', () => {
  const before = upped('pod');
  assert.ok(isServed(settle(engine(before, 'TERM', false))));
  const killed = settle(engine(before, 'KILL', false));
  assert.ok(names(killed).every((each) => killed.containers[each]!.state === 'exited'));
  assert.ok(isServed(settle(up(killed))), 'healed by one command');
  for (const how of ['TERM', 'KILL'] as const) assert.equal(engine(before, how, true).project, before);
});

test('a probe that hangs is noticed by nobody', () => {
  const after = settle(hang(upped('pod'), 'probe'));
  assert.ok(after.containers['probe']!.hung);
  assert.ok(isServed(after));
});

test('property: every event ends in rest; a pod strands nothing, and `up` after `stop` serves', () => {
  const happening = fc.record({
    what: fc.constantFrom('crash', 'hang', 'restart', 'recreate'),
    to: fc.constantFrom('reports', 'tls', 'probe'),
    steps: fc.nat(6),
  });
  fc.assert(
    fc.property(fc.constantFrom('pod', 'naive'), fc.array(happening, { maxLength: 12 }), (wiring, all) => {
      let project = upped(wiring);
      for (const { what, to, steps } of all) {
        if (project.containers[to]?.state !== 'running') continue;
        ({ project } = HAPPENINGS[what](project, to));
        for (let each = 0; each < steps; each++) ({ project } = step(project) ?? { project });
      }
      project = settle({ project });
      if (wiring === 'naive') return;
      assert.equal(
        names(project).filter((each) => isStranded(project, each)),
        [],
      );
      assert.ok(isServed(settle(up(settle(stop(project))))));
    }),
  );
});

test.run();

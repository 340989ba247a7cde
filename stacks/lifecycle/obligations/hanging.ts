/** Compose restarts what exits; the probe sidecar restarts what hangs, and nobody else. */
import * as assert from 'uvu/assert';
import { adminPage } from '../../../scripts/lib/admin.ts';
import type { Project } from '../../../scripts/lib/compose.ts';
import { eventually } from '#kit/testing/eventually.ts';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { episode, told } from '../lib/episode.ts';
import { expected } from '../lib/expected.ts';
import { lifeOf, mainPid, signal } from '../lib/pod.ts';
import { withVariant } from '../lib/variant.ts';

/** The probe's log line that says why it told a target to stop. */
async function verdict(project: Project, target: string): Promise<Record<string, unknown>> {
  const lines = (await project.logs(await project.id('probe'))).split('\n');
  const line = lines.findLast((each) => each.includes(`"msg":"${target} failed its probe`));
  assert.ok(line, 'a log line says why');
  return JSON.parse(line) as Record<string, unknown>;
}

/** Wait until a probe has seen a target well in this life: until then, whatever does not answer is still starting. */
async function seenWell(project: Project, target: string, probe = 'probe'): Promise<void> {
  await eventually(`${probe} sees that ${target} is well`, async () => {
    const { body } = await adminPage(project, probe, '/targets');
    const targets = JSON.parse(body) as { target: string; state: string }[];
    return targets.some((each) => each.target === target && each.state === 'healthy');
  });
}

/**
 * @param own obligations of the run's own pod
 * @param others those of pods that are made for one obligation
 */
export function hangingObligations({ must }: Scenario, others: Scenario): void {
  for (const [target, back, say] of [
    [
      'reports',
      /reports on 127\.0\.0\.1:8000/,
      'The app hangs: it is there, accepts connections, and never answers. Its liveness probe notices.',
    ],
    ['tls', /"msg":"listening/, 'Now the TLS sidecar hangs. It is restarted, and the app is not.'],
  ] as const) {
    must(`restart ${target} alone when it hangs`, { say, within: 180_000 }, async ({ project, port, say: tell }) => {
      await seenWell(project, target);
      const outcome = await episode({
        project,
        port: port('HTTPS'),
        service: target,
        act: () => signal(project, 'STOP', target),
        back,
        within: 60_000,
      });
      const { restarts, sameContainer } = expected('pod', 'hang', target);
      assert.is(outcome.after.id === outcome.before.id, sameContainer, 'the same container');
      assert.is(outcome.after.restarts, outcome.before.restarts + restarts, 'restarted by its policy');
      assert.ok(outcome.misses.length > 0, 'visitors noticed');
      const why = await verdict(project, target);
      assert.is(why['failures'], 3);
      assert.match(String(why['reason']), /did not answer within 2000 ms/);
      tell(String(why['msg']));
      tell(told(outcome));
    });
  }

  others.must(
    'do so from another user too, with the capability KILL and no other',
    {
      say: 'The probe may also be another user than the app, with the capability to signal. It still cannot look into the app.',
      within: 120_000,
    },
    async ({ project }) => {
      await withVariant({ of: project, name: 'capability', over: true }, async (apart) => {
        await apart.up([], { timeoutMs: 90_000 });
        const before = await lifeOf(apart, 'reports');
        const pid = await mainPid(apart, 'reports');
        const look = await apart.exec('probe', ['bash', '-c', `ls /proc/${pid}/root 2>&1; true`]);
        assert.match(look, /Permission denied/);
        assert.match(await apart.exec('probe', ['grep', 'CapBnd', '/proc/self/status']), /\s0000000000000020$/);
        await seenWell(apart, 'reports');
        await signal(apart, 'STOP', 'reports');
        const after = await eventually(
          'the app has a new life',
          async () => {
            const life = await lifeOf(apart, 'reports');
            return life.restarts === before.restarts + 1 && life;
          },
          { within: 60_000, every: 250 },
        );
        assert.is(after.id, before.id);
      });
    },
  );

  others.must(
    'let two probes watch each other, since nobody else watches the watcher',
    {
      say: 'Who watches the watcher? In another pod, a second probe sidecar does. The first one hangs, and is restarted.',
      within: 120_000,
    },
    async ({ project, say }) => {
      await withVariant({ of: project, name: 'watchers', over: true }, async (pair) => {
        await pair.up([], { timeoutMs: 90_000 });
        const [before, second] = await Promise.all([lifeOf(pair, 'probe'), lifeOf(pair, 'second-probe')]);
        await seenWell(pair, 'probe', 'second-probe');
        await signal(pair, 'STOP', 'probe');
        const after = await eventually(
          'the first probe has a new life',
          async () => {
            const life = await lifeOf(pair, 'probe');
            return life.restarts === before.restarts + 1 && life;
          },
          { within: 60_000, every: 250 },
        );
        assert.is(after.id, before.id);
        assert.equal(await lifeOf(pair, 'second-probe'), second, 'the second one is untouched');
        say('the hung probe was restarted by the other');
      });
    },
  );
}

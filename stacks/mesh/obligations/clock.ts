/** A machine that sleeps: its wall clock jumps, and timers do not. */
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { Project } from '../../../scripts/lib/compose.ts';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { call, type Call } from '../lib/workload.ts';

const FILES = ['-f', 'clock.yaml'];
const LONG = { timeoutMs: 300_000 };
/** Each opens a connection of its own between the proxies: no request goes by one that is open. */
const OPAQUE: Call = { protocol: 'server-first', host: 'echo', port: 7000, timeoutMs: 30_000 };
/** As libfaketime reads it. Certificates are good for an hour. */
const JUMPS = { 'set right': '+0', forward: '+2h', 'a day forward': '+1d', back: '+0' };

export function clockObligations({ must }: Scenario): void {
  must(
    'go on after the machine has slept beyond all certificates, and when its clock is set',
    {
      say: 'A mesh that was made while its clock was three days ahead; its certificates are good for an hour. The clock is set right, jumps two hours, then a day, then back: connections are made again, without a restart.',
      within: 900_000,
      needs: 'compose',
    },
    async ({ project, say }) => {
      const mesh = new Project({ name: `${project.name}-clock`, dir: project.dir, env: project.env });
      const compose = (...args: readonly string[]): Promise<string> => mesh.compose([...FILES, ...args], LONG);
      try {
        await compose('build', 'clock');
        await compose('up', '--detach', '--wait', 'client', 'echo-1');
        const restarts = async (): Promise<string[]> =>
          (await mesh.containers()).map(({ Name, State }) => `${Name} ${State.StartedAt}`).toSorted();
        const before = await restarts();
        const connects = (): Promise<unknown> =>
          eventually(
            'a connection is made',
            async () => {
              const [outcome] = await call(mesh, 'client', [OPAQUE]);
              assert.ok(outcome!.ok, JSON.stringify(outcome));
              return true;
            },
            { within: 180_000, every: 500 },
          );
        await connects();
        for (const [name, offset] of Object.entries(JUMPS)) {
          await compose('exec', '-T', 'clock', 'sh', '-c', `echo ${offset} > /clock/offset`);
          const renewed = (service: string) =>
            eventually(
              `${name}: ${service} has a certificate of the new time`,
              async () => {
                const log = await mesh.logs(await mesh.id(service));
                const last = Date.parse([...log.matchAll(/"notAfter":"([^"]+)"/g)].at(-1)![1]!);
                const now = Number(await compose('exec', '-T', service, 'date', '+%s000'));
                return last > now && last - now <= 3_700_000;
              },
              { within: 180_000, every: 500 },
            );
          await Promise.all(['client-proxy', 'echo-1-proxy'].map(renewed));
          await connects();
        }
        assert.equal(await restarts(), before, 'nothing was restarted');
        say(`${Object.keys(JUMPS).join(', ')}: connections are made again`);
      } finally {
        await compose('down', '--volumes', '--timeout', '2');
      }
    },
  );
}

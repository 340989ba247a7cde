/** What topz shows is what ps and the scheduler say. */
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { APACHE, SECRETS, WEBSTATS } from '../lib/apps.ts';
import { compareCharges } from '../lib/charge.ts';
import { groupOf, processesOf, topzOf } from '../lib/client.ts';
import { ps, type PsLine } from '../lib/inside.ts';

export function showingObligations({ must }: Scenario): void {
  must(
    "show the same processes as ps inside the app's container",
    {
      say: 'A preforking Apache, and a statistics program of another user. topz shares their pid namespace, and shows them.',
    },
    async (stage) => {
      const { project, say } = stage;
      // A health check may come and go between two looks: all three must be the same once.
      const pairs = await eventually(
        'ps and topz show the same',
        async () => {
          const before = await ps(project, 'apache');
          const { processes } = await topzOf(stage).overview();
          const after = await ps(project, 'apache');
          const ids = (lines: readonly { pid: number }[]): string =>
            lines
              .map(({ pid }) => pid)
              .toSorted((a, b) => a - b)
              .join(' ');
          if (ids(before) !== ids(processes) || ids(after) !== ids(processes)) return false;
          const line = (lines: readonly PsLine[], id: number): PsLine => lines.find(({ pid }) => pid === id)!;
          return processes.map((process) => ({
            process,
            line: line(after, process.pid),
            earlier: line(before, process.pid),
          }));
        },
        { within: 40_000 },
      );
      for (const { process, line, earlier } of pairs) {
        const shown = SECRETS.reduce((text, secret) => text.replaceAll(secret, '***'), line.args);
        assert.is(process.command, shown);
        assert.is(process.ppid, line.ppid, process.command);
        assert.is(process.uid, line.uid, process.command);
        assert.is(process.threads, line.threads, process.command);
        // It may have grown between the two looks of ps.
        const [least, most] = [Math.min(line.rss, earlier.rss), Math.max(line.rss, earlier.rss)];
        const kib = process.resident_bytes / 1024;
        const told = `${process.command}: ${kib} KiB, ps says ${earlier.rss}, then ${line.rss}`;
        assert.ok(kib >= least * 0.9 - 512 && kib <= most * 1.1 + 512, told);
      }
      const { processes } = await topzOf(stage).overview();
      assert.ok(processes.filter(({ uid }) => uid === APACHE.uid).length >= 6, 'Apache has forked');
      assert.ok(processes.some(({ uid }) => uid === WEBSTATS.uid));
      say(`${pairs.length} processes, the same ids, parents, users, threads, commands and memory as ps shows`);
    },
  );

  must(
    'tell containers apart and name them after their programs',
    {
      say: 'It tells the containers of the pod apart.',
    },
    async (stage) => {
      const document = await topzOf(stage).overview();
      for (const [service, { name, uid }] of [
        ['apache', APACHE],
        ['webstats', WEBSTATS],
      ] as const) {
        assert.is(groupOf(document, name).id, (await stage.project.inspect(service)).Id.slice(0, 12));
        const processes = processesOf(document, name);
        assert.equal([...new Set(processes.map((process) => process.uid))], [uid], `users in ${service}`);
        assert.is(groupOf(document, name).processes, processes.length);
      }
      const text = await topzOf(stage).text('/topz?width=74');
      for (const line of text.split('\n').slice(4, 9)) stage.say(line);
    },
  );

  must(
    'show the processor time of a busy process as the kernel does',
    {
      say: 'webstats computes all the time. What topz says it uses is what the scheduler charged it in the same second.',
      within: 120_000,
    },
    (stage) => compareCharges(stage, topzOf(stage), WEBSTATS.name),
  );
}

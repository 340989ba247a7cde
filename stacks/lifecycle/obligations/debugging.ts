/** Looking into the pod from beside it: `npm run debug`, with nothing put into any image of it. */
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { Project } from '../../../scripts/lib/compose.ts';
import { docker } from '../../../scripts/lib/engine.ts';
import { run } from '../../../scripts/lib/run.ts';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { ROOT } from '../../../scripts/lib/stacks.ts';
import { LASTING, livesOf } from '../lib/pod.ts';

/** What `npm run debug -- lifecycle …` prints, about this project. */
async function debug(
  project: Project,
  ...args: string[]
): Promise<{ code: number | null; text: string; said: string }> {
  const program = join(ROOT, 'scripts/debug.ts');
  const all = [program, 'lifecycle', '--project', project.name, ...args];
  const { exitCode, stdout, stderr } = await run(process.execPath, all, { timeoutMs: 300_000 });
  return { code: exitCode, text: stdout, said: stderr };
}

export function debuggingObligations({ must }: Scenario): void {
  must(
    'let a person look into it: logs, metrics, sockets, namespaces, and a command with tools',
    {
      say: 'npm run debug looks into the pod with a container of tools that joins it. No image of the pod has any of them.',
      within: 300_000,
    },
    async ({ project, say }) => {
      const lives = await livesOf(project, LASTING);
      const picture = await debug(project);
      assert.is(picture.code, 0, picture.said);
      const row = (name: string, rest: RegExp): void =>
        assert.match(picture.text, new RegExp(`^ +${name} +${rest.source}`, 'm'), `the picture has ${name}`);
      row('tls', /sidecar +running, healthy/);
      row('reports', /app +running/);
      row('prepare', /init, exit code 0/);
      for (const service of LASTING) {
        const [network, processes] = [lives[service]!.network, lives[service]!.processes].map(
          (each) => /\d+/.exec(each)![0],
        );
        row(service, new RegExp(`${network} +${processes} +\\d+`));
      }
      row('tcp', /0\.0\.0\.0:8443 +tls/);
      row('tcp', /127\.0\.0\.1:8000 +reports/);
      row('probe', /:9931 +alive, started, ready/);
      const wide = picture.text.split('\n').filter((line) => line.length > 80 && !line.startsWith('Pod of'));
      assert.equal(wide, [], 'lines for a terminal of 80 columns');

      const [logs, metrics, engineOnly, sockets, ps] = await Promise.all([
        debug(project, 'reports', '--logs'),
        debug(project, 'probe', '--metrics'),
        debug(project, 'reports', '--metrics'),
        debug(project, 'tls', '--sockets'),
        debug(project, 'reports', '--', 'ps', '-eo', 'args'),
      ]);
      assert.match(logs.text, /reports on 127\.0\.0\.1:8000/);
      assert.match(metrics.text, /^probe_checks_total\{target="reports",result="success"\} [1-9]/m);
      assert.match(engineOnly.text, /^# the engine: CPU [\d.]+%, memory .*MiB/);
      assert.match(sockets.text, /tcp +LISTEN +127\.0\.0\.1:8000 +\S+ +reports/);

      for (const program of ['tls.mjs', 'probe.mjs', 'reports.py'])
        assert.ok(ps.text.includes(program), `ps shows ${program}`);
      const tools = await debug(
        project,
        'reports',
        '--',
        'bash',
        '-c',
        // Visitors meanwhile: the probe may be waiting for an app that has just come back.
        `curl --silent --output /dev/null --write-out '%{http_code}\\n' http://127.0.0.1:8000/
         while sleep 0.2; do curl --silent --max-time 2 --output /dev/null http://127.0.0.1:8000/; done &
         timeout 20 tcpdump -c 1 -n -i lo tcp port 8000 2>/dev/null
         timeout --signal INT 20 strace -f -e trace=network -p "$(pgrep -f '^/usr/bin/python3')" 2>&1 | sed '/accept4(/q'
         kill "$!"`,
      );
      assert.match(tools.text, /^200$/m, 'curl');
      assert.match(tools.text, /IP 127\.0\.0\.1\.\d+ > 127\.0\.0\.1\.(8000|\d+): Flags/, 'tcpdump');
      assert.match(tools.text, /attached[\s\S]*accept4\(/, 'strace');
      assert.is((await debug(project, '--', 'bash', '-c', 'exit 7')).code, 7, "a command's own exit code");

      assert.equal(await livesOf(project, LASTING), lives, 'nobody was touched');
      const changed = await docker(['diff', await project.id('reports')], { timeoutMs: 30_000 });
      assert.is(changed, '', "nothing was written to the app's root filesystem");
      const listening = picture.text.split('\n').filter((line) => /^ +tcp .*(tls|probe|reports)/.test(line));
      for (const line of listening) say(line.trim());
    },
  );

  must(
    'say what is wrong when there is nothing to look into',
    { say: 'It says so when there is nothing to look into.' },
    async ({ project }) => {
      for (const [args, code, why] of [
        [['nosuch'], 1, /There is no service nosuch\. Services are: pod, probe, reports, tls/],
        [['prepare', '--sockets'], 1, /Service prepare does not run: exited, exit code 0/],
        [['--logs'], 2, /--logs is for one container/],
        [['tls', '--logs', '--metrics'], 2, /One thing at a time/],
      ] as const) {
        const answer = await debug(project, ...args);
        assert.is(answer.code, code);
        assert.match(answer.said, why);
        assert.is(answer.text, '');
      }
    },
  );
}

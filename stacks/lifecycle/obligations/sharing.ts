/** What the containers of the pod have in common, and what each has for itself. */
import * as assert from 'uvu/assert';
import { docker, EngineError } from '../../../scripts/lib/engine.ts';
import type { Project } from '../../../scripts/lib/compose.ts';
import { STACK_LABEL } from '../../../scripts/lib/labels.ts';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { livesOf, LASTING, mainPid } from '../lib/pod.ts';

const unique = (values: Iterable<string>): string[] => [...new Set(values)];

/** Run a line of bash in a container, whatever its exit code. */
const look = (project: Project, service: string, line: string): Promise<string> =>
  project.exec(service, ['bash', '-c', `{ ${line}; } 2>&1; true`]);

export function sharingObligations({ must }: Scenario): void {
  must(
    'share network, processes, volumes and host name',
    {
      say: 'From inside: app and sidecars have one network, one process list, one host name, and the volumes that both mount.',
    },
    async ({ project, say }) => {
      const lives = Object.values(await livesOf(project, LASTING));
      assert.is(unique(lives.map(({ network }) => network)).length, 1, 'one network namespace');
      assert.is(unique(lives.map(({ processes }) => processes)).length, 1, 'one pid namespace');
      const names = await Promise.all(
        LASTING.map((service) => project.exec(service, ['cat', '/proc/sys/kernel/hostname'])),
      );
      assert.is(unique(names).length, 1, `one host name: ${names.join(', ')}`);
      const seen = await look(project, 'reports', 'cat /proc/[0-9]*/cmdline | tr "\\0" " "');
      for (const program of ['tls.mjs', 'probe.mjs', 'reports.py', 'sleep infinity'])
        assert.ok(seen.includes(program), `the app sees ${program}`);
      const listening = await Promise.all(
        ['tls', 'reports'].map((each) => look(project, each, 'exec 3<>/dev/tcp/127.0.0.1/8000 && echo open')),
      );
      assert.equal(listening, ['open', 'open'], "the app's loopback port from both");
      await project.run('prepare', [
        'bash',
        '-c',
        'printf "1\\tfrom another container\\n" >/var/lib/reports/april.txt',
      ]);
      assert.is(await project.exec('reports', ['cat', '/var/lib/reports/april.txt']), '1\tfrom another container');
      await project.run('prepare', ['rm', '/var/lib/reports/april.txt']);
      say(`network ${lives[0]!.network}, processes ${lives[0]!.processes}, host name ${names[0]}`);
    },
  );

  must(
    'share neither root filesystem nor environment nor capabilities',
    { say: 'They do not share the rest: each has its own root filesystem, environment and capabilities.' },
    async ({ project }) => {
      const files = (service: string): Promise<string> =>
        look(
          project,
          service,
          'for each in /sidecar/tls.mjs /sidecar/probe.mjs /usr/local/bin/reports.py /certs/tls.key; do [[ -e $each ]] && echo "$each"; done',
        );
      assert.is(await files('reports'), '/usr/local/bin/reports.py');
      assert.is(await files('tls'), '/sidecar/tls.mjs\n/certs/tls.key');
      assert.is(await files('probe'), '/sidecar/probe.mjs');
      const mounts = await Promise.all(LASTING.map((each) => look(project, each, 'readlink /proc/self/ns/mnt')));
      assert.is(unique(mounts).length, LASTING.length, 'a mount namespace each');

      const variables = async (service: string): Promise<string[]> =>
        (await project.exec(service, ['env'])).split('\n').map((line) => line.split('=', 1)[0]!);
      assert.ok((await variables('tls')).includes('TLS_CERT_DIR'));
      assert.ok((await variables('probe')).includes('PROBE_TARGETS'));
      assert.equal(
        (await variables('reports')).filter((name) => /^(TLS|PROXY|PROBE)_/.test(name)),
        [],
      );

      // A container with a capability joins the pod; nobody else has it for that.
      const pod = await project.id('pod');
      const stranger = await docker(
        [
          'run',
          '--rm',
          '--label',
          `${STACK_LABEL}=lifecycle`,
          '--network',
          `container:${pod}`,
          '--pid',
          `container:${pod}`,
          '--cap-drop',
          'ALL',
          '--cap-add',
          'NET_ADMIN',
          (await project.inspect('pod')).Image,
          'grep',
          'CapEff',
          '/proc/self/status',
        ],
        { timeoutMs: 60_000 },
      );
      assert.match(stranger, /CapEff:\s+0000000000001000/);
      for (const service of LASTING)
        assert.match(
          await look(project, service, 'grep -E "Cap(Eff|Bnd)" /proc/self/status'),
          /^CapEff:\s+0{16}\nCapBnd:\s+0{16}$/,
        );
    },
  );

  must(
    "let only the app's own user look into a neighbour's files through /proc",
    {
      say: 'One honest caveat: processes of one user in one process list can look at one another through /proc. Another user cannot.',
    },
    async ({ project, say }) => {
      const tls = await mainPid(project, 'tls');
      const peek = async (user: string): Promise<string> => {
        try {
          return await project.exec('reports', ['head', '-c', '27', `/proc/${tls}/root/certs/tls.key`], { user });
        } catch (error) {
          if (error instanceof EngineError && error.reason === 'failed') return error.stderr.join(' ');
          throw error;
        }
      };
      assert.match(await peek('33:33'), /BEGIN PRIVATE KEY/);
      const refused = await peek('65534:65534');
      assert.match(refused, /Permission denied/);
      say('as www-data, the user of all three, the key can be read; as nobody: Permission denied');
    },
  );
}

/** What stays hidden, what topz may not see, and what it leaves as it is. */
import * as assert from 'uvu/assert';
import { docker } from '../../../scripts/lib/engine.ts';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { APACHE, SECRETS, WEBSTATS } from '../lib/apps.ts';
import { groupOf, processesOf, topzOf } from '../lib/client.ts';

export function privacyObligations({ must }: Scenario): void {
  must(
    'hide secrets in command lines',
    {
      say: 'webstats takes a password and a URL with credentials as arguments. Everybody in its container can read them; topz shows neither.',
    },
    async (stage) => {
      const { project } = stage;
      const topz = topzOf(stage);
      const document = await topz.overview();
      const { pid } = processesOf(document, WEBSTATS.name)[0]!;
      const real = await project.exec('apache', ['cat', `/proc/${pid}/cmdline`]);
      for (const secret of SECRETS) assert.ok(real.includes(secret), 'they are there');
      const { Id } = await project.inspect('topz');
      const shown = await Promise.all([
        topz.text('/topz?format=json&history'),
        topz.text('/topz?format=text&tree'),
        topz.text(`/topz?pid=${pid}&format=json`),
        topz.text(`/topz?pid=${pid}&format=text`),
        topz.text('/topz', { accept: 'text/html' }),
        topz.text('/metrics'),
        project.logs(Id),
      ]);
      for (const text of shown) for (const secret of SECRETS) assert.not.ok(text.includes(secret), text.slice(0, 200));
      assert.match(shown[0], /--db-password=\*\*\* http:\/\/stats:\*\*\*@127\.0\.0\.1/);
    },
  );

  must(
    'have no privilege, and name the one that a field would need',
    {
      say: 'It has no capability at all, and another user than the apps. It reports what it cannot see because of that.',
    },
    async (stage) => {
      const { project, say } = stage;
      const topz = topzOf(stage);
      const document = await topz.overview();
      const own = processesOf(document, 'topz')[0]!;
      const status = await project.exec('topz', ['cat', `/proc/${own.pid}/status`]);
      assert.match(status, /^CapEff:\t0+$/m);
      assert.match(status, /^CapPrm:\t0+$/m);
      assert.match(status, /^NoNewPrivs:\t1$/m);
      assert.match(status, /^Uid:\t65532\t/m);
      const apache = processesOf(document, APACHE.name)[0]!;
      assert.is(apache.user, '33', 'its name is in a file of a root file system that is not shared');
      assert.equal(apache.lacks, { user: 'CAP_SYS_PTRACE' });
      assert.ok(apache.open_files! > 0, 'since Linux 6.2 everybody may count open files');
      const detail = await topz.detail(apache.pid);
      assert.is(detail.namespaces, null);
      assert.is(detail.sockets, null);
      assert.equal(detail.lacks, { namespaces: 'CAP_SYS_PTRACE', sockets: 'CAP_SYS_PTRACE' });
      assert.ok(detail.limits!.some(({ name, soft }) => name === 'open files' && soft! > 0));
      const mine = await topz.detail(own.pid);
      assert.ok(mine.sockets!.some(({ local, state }) => local === '0.0.0.0:8080' && state === 'LISTEN'));
      assert.ok(mine.namespaces!.every(({ shared }) => shared));
      assert.is((await topz.get('/topz?pid=4194000&format=json')).status, 404);
      say(`user of ${apache.command}: ${apache.user}, its name lacks ${apache.lacks!['user']}`);
    },
  );

  must(
    "tell its own container's memory limit, and none of other users' containers",
    { say: 'Limits stand in control groups, which each container shows to its own user alone.', needs: 'own-cgroup' },
    async (stage) => {
      const document = await topzOf(stage).overview();
      // As the catalogue has it.
      assert.is(groupOf(document, 'topz').memory_limit_bytes, 128 * 1024 * 1024);
      assert.not('memory_limit_bytes' in groupOf(document, APACHE.name));
    },
  );

  must(
    "leave the app's image, command and environment as they are",
    {
      say: 'Nothing of the apps was changed for it: image, command and environment are those of their images.',
    },
    async ({ project }) => {
      for (const service of ['apache', 'webstats']) {
        const container = await project.inspect(service);
        const [image] = JSON.parse(
          await docker(['image', 'inspect', `sidecar-stacks/${service}:${process.env['IMAGE_TAG'] || 'dev'}`]),
        ) as [{ Id: string; Config: { Env: string[]; Cmd: string[] } }];
        assert.is(container.Image, image.Id);
        assert.equal(container.Config.Cmd, image.Config.Cmd);
        assert.equal(container.Config.Env.toSorted(), image.Config.Env.toSorted());
        const inside = await project.exec(service, ['bash', '-c', 'ls -A /sidecar /server 2>&-; true']);
        assert.is(inside, '', 'nothing of topz is inside');
      }
    },
  );
}

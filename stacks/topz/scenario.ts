/** What the topz stack must do, seen from outside and from inside its containers. */
import * as assert from 'uvu/assert';
import { docker } from '../../scripts/lib/engine.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { scenario, type Stage } from '../../scripts/lib/scenario.ts';
import { checkPage, closeBrowser } from './browser.ts';
import { compareCharges } from './charge.ts';
import { bearChurn } from './churn.ts';
import { groupOf, processesOf, Topz } from './client.ts';
import { lookAround } from './hands-on.ts';
import { lives, ps, type PsLine } from './inside.ts';

const { must, run, finally: afterwards } = scenario(import.meta.url);

const APACHE = { name: 'apache2', uid: 33 };
const WEBSTATS = { name: 'webstats', uid: 8000 };
/** What the image's command holds. */
const SECRETS = ['Wint3r-is-c0ming', 's3same-0pen'];

const topzOf = ({ port }: Stage): Topz => new Topz(port('TOPZ'));

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
  'charge a busy process what the kernel charges it',
  {
    say: 'webstats computes all the time. What topz says it uses is what the scheduler charged it in the same second.',
    within: 120_000,
  },
  (stage) => compareCharges(stage, topzOf(stage), WEBSTATS.name),
);

must(
  'hide what the command line should never have held',
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
  'have no privilege, and name the one that a field would take',
  {
    say: 'It has no capability at all, and another user than the apps. What that keeps from it, it says.',
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

must(
  'be a page that a browser shows, live',
  {
    say: "Debian's Chromium opens the page: it sorts, filters, draws the tree, and keeps itself up to date.",
    within: 120_000,
  },
  (stage) => checkPage(stage, topzOf(stage)),
);

must(
  'bear hundreds of processes that come and go during a minute of scraping',
  {
    say: 'For a minute, hundreds of processes come and go in the app while topz is asked all the time.',
    within: 150_000,
  },
  (stage) => bearChurn(stage, topzOf(stage), APACHE.uid),
);

must(
  'count for Prometheus what each container uses, and its restarts',
  {
    say: 'Apache crashes and is started again. The metrics say so, under the names that process-exporter uses.',
  },
  async (stage) => {
    const { project, say } = stage;
    const topz = topzOf(stage);
    const id = (await project.inspect('apache')).Id.slice(0, 12);
    const of = async (name: string, labels?: string): Promise<number> =>
      (await topz.metric(`namedprocess_namegroup_${name}`, labels)).get(id) ?? Number.NaN;
    const restarts = await of('restarts_total');
    const cpu = await of('cpu_seconds_total', 'mode="user"');
    const started = await of('oldest_start_time_seconds');
    assert.ok(cpu >= 0);
    // Everything of its user, which is nobody else's in the pod.
    await project.crash('apache');
    await eventually('the restart is counted', async () => (await of('restarts_total')) === restarts + 1, {
      within: 30_000,
    });
    await eventually('Apache has its processes again', async () => (await of('num_procs')) >= 6, { within: 20_000 });
    assert.ok((await of('oldest_start_time_seconds')) >= started);
    assert.ok((await of('cpu_seconds_total', 'mode="user"')) >= cpu, 'a counter never goes back');
    assert.ok((await of('memory_bytes', 'memtype="resident"')) > 1_000_000);
    assert.ok((await of('num_threads')) >= 6);
    assert.ok((await of('open_filedesc')) > 6);
    const other = (await project.inspect('webstats')).Id.slice(0, 12);
    assert.is((await topz.metric('namedprocess_namegroup_restarts_total')).get(other), 0, 'webstats was not restarted');
    say(`namedprocess_namegroup_restarts_total{groupname="apache2",container="${id}"} ${restarts + 1}`);
  },
);

must(
  "leave the app's processes untouched when it is killed or restarted",
  {
    say: 'topz itself is killed, then restarted. No process of the apps notices.',
  },
  async (stage) => {
    const { project } = stage;
    const topz = topzOf(stage);
    const all = async (): Promise<string[][]> => [
      await lives(project, 'apache', APACHE.uid),
      await lives(project, 'apache', WEBSTATS.uid),
    ];
    const [apache, webstats] = await Promise.all([project.inspect('apache'), project.inspect('webstats')]);
    // Those that looking starts are of the same user and gone at once.
    const lasting = async (): Promise<string[][]> => {
      const [first, second] = [await all(), await all()];
      return first.map((each, index) => each.filter((life) => second[index]!.includes(life)));
    };
    const before = await lasting();
    assert.ok(before[0]!.length >= 6 && before[1]!.length >= 1, JSON.stringify(before));
    const { RestartCount } = await project.inspect('topz');
    const { pid } = processesOf(await topz.overview(), 'topz')[0]!;
    await project.exec('topz', ['bash', '-c', `kill -KILL ${pid}`]);
    await eventually('topz is back', async () => processesOf(await topz.overview(), 'topz')[0]!.pid !== pid, {
      within: 30_000,
    });
    assert.is((await project.inspect('topz')).RestartCount, RestartCount + 1);
    assert.equal(await lasting(), before, 'after the kill');
    await project.compose(['restart', '--no-deps', 'topz'], { timeoutMs: 60_000 });
    await eventually('topz answers again', () => topz.overview(), { within: 30_000 });
    assert.equal(await lasting(), before, 'after the restart');
    for (const [service, was] of [
      ['apache', apache],
      ['webstats', webstats],
    ] as const) {
      const now = await project.inspect(service);
      assert.is(now.RestartCount, was.RestartCount);
      assert.is(now.State.StartedAt, was.State.StartedAt);
    }
  },
);

must(
  'look into a container that nobody prepared for it',
  {
    say: 'And it needs no stack: any running container will do. Here is one by plain docker run, and topz beside it.',
    within: 120_000,
  },
  lookAround,
);

must(
  'change nothing at a second `docker compose up`',
  {
    say: 'Bringing the stack up a second time changes nothing.',
  },
  async ({ project }) => {
    const all = async (): Promise<string[]> =>
      (await project.containers()).map(({ Id, State }) => `${Id} ${State.StartedAt}`).toSorted();
    const before = await all();
    assert.is(before.length, 5);
    await project.up();
    assert.equal(await all(), before);
  },
);

afterwards(closeBrowser);

run();

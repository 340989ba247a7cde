/** Who shows a wrong password, key or signature; and that no secret is told anybody. */
import { createHmac, randomUUID } from 'node:crypto';
import * as assert from 'uvu/assert';
import { adminPage, metric } from '../../../scripts/lib/admin.ts';
import { serviceOf, type Project } from '../../../scripts/lib/compose.ts';
import { EngineError } from '../../../scripts/lib/engine.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { liveCommit, syncStatus } from '../lib/inside.ts';
import { version } from '../lib/versions.ts';
import { becomes, developerOf, next, type Must } from './stage.ts';

const NOTICED = 60_000;
/** A message that names the cause, for a person. */
const NAMES_PASSWORD = /authenti|password|credential|401/i;
const NAMES_HOST_KEY = /host key/i;

/** A file of the sidecar's secrets, changed as a secret manager changes it. */
const secrets = (project: Project, script: string): Promise<string> =>
  project.run('git-init', ['bash', '-c', `set -euo pipefail; umask 077; cd /secrets/deploy; ${script}`]);

export function refusals(must: Must): void {
  must(
    'say so when the password is wrong, and go on when it is right again',
    {
      say: 'Somebody gives the sidecar a wrong password. It says so; with the right one it goes on, without a restart.',
      within: 120_000,
    },
    async (stage) => {
      const { project } = stage;
      const developer = await developerOf(project);
      await secrets(project, 'cp password password.right; printf wrong-password > new; mv new password');
      await eventually(
        'the sidecar says that the password is wrong',
        async () => NAMES_PASSWORD.test((await syncStatus(project)).error?.error ?? ''),
        { within: NOTICED, every: 250 },
      );
      stage.say((await syncStatus(project)).error!.error);
      const which = next();
      await developer.publish(version(which));
      await secrets(project, 'mv password.right password');
      await becomes(stage, which);
    },
  );

  must(
    'talk to no server whose host key is not known',
    {
      say: 'The same repository by ssh: with the right host key, and with another one.',
      within: 120_000,
      needs: 'compose',
    },
    async ({ project, say }) => {
      await secrets(
        project,
        `ssh-keygen -q -t ed25519 -N '' -C '' -f other; printf '[git-server]:2222 %s\\n' "$(< other.pub)" > known_hosts.other; rm other other.pub`,
      );
      const right = await cloneBySsh(project, 'known_hosts');
      assert.is(right.exitCode, 0, right.log);
      const wrong = await cloneBySsh(project, 'known_hosts.other');
      assert.is.not(wrong.exitCode, 0);
      assert.match(wrong.log, NAMES_HOST_KEY);
      say(lastMessage(wrong.log));
    },
  );

  must(
    'act on no webhook without a signature',
    { say: 'A webhook without a signature, one with a wrong signature, and a replayed one.' },
    async ({ project }) => {
      const count = (result: string): Promise<number> =>
        metric(project, 'git-sync', `git_sync_receives_total{result="${result}"}`);
      const before = await liveCommit(project);
      const counted = { unsigned: await count('unsigned'), replayed: await count('replayed') };
      const body = JSON.stringify({ ref: 'refs/heads/main', before: '0'.repeat(40), after: '1'.repeat(40) });
      const secret = await project.exec('git-sync', ['cat', '/secrets/deploy/webhook-secret']);
      const signature = createHmac('sha256', secret).update(body).digest('hex');
      const post = (delivery: string, signed?: string): Promise<string> =>
        project.exec('tools', [
          'node',
          '-e',
          'const [url, headers, body] = process.argv.slice(1); fetch(url, { method: "POST", headers: JSON.parse(headers), body }).then(({ status }) => console.log(status))',
          'http://app:9940/',
          JSON.stringify({
            'content-type': 'application/json',
            'x-github-event': 'push',
            'x-github-delivery': delivery,
            ...(signed !== undefined && { 'x-hub-signature-256': `sha256=${signed}` }),
          }),
          body,
        ]);
      assert.is(await post(randomUUID()), '401', 'no signature');
      assert.is(await post(randomUUID(), '0'.repeat(64)), '401', 'a wrong one');
      const delivery = randomUUID();
      assert.is(await post(delivery, signature), '202', 'the right one');
      assert.is(await post(delivery, signature), '409', 'the same delivery again');
      assert.is(await count('unsigned'), counted.unsigned + 2);
      assert.is(await count('replayed'), counted.replayed + 1);
      assert.is(await liveCommit(project), before);
    },
  );

  must(
    'tell nobody a secret',
    { say: 'Every log, error, metric and page that the sidecar ever wrote is searched for its secrets.' },
    async ({ project, say }) => {
      const read = (file: string): Promise<string> => project.exec('git-sync', ['cat', `/secrets/deploy/${file}`]);
      const key = await read('id_ed25519');
      const known = [
        await read('password'),
        await read('webhook-secret'),
        await project.exec('developer', ['cat', '/secrets/developer/password']),
        // The part of a key file that is the key's own.
        ...key.split('\n').slice(2, -1),
      ].map((secret) => secret.trim());
      assert.ok(known.every((secret) => secret.length > 8));
      const containers = await project.containers();
      const said = new Map<string, string>();
      for (const container of containers) {
        said.set(`log of ${serviceOf(container)}`, await project.logs(container.Id));
        said.set(`inspect of ${serviceOf(container)}`, JSON.stringify(container));
      }
      for (const path of ['/version', '/metrics']) said.set(path, (await adminPage(project, 'git-sync', path)).body);
      said.set(
        'what can be read of the sidecar’s files by the app',
        await project.exec('app', [
          'bash',
          '-c',
          'grep -rIs "" /git --include=config --include=*.json --exclude-dir=node_modules | head -c 1000000',
        ]),
      );
      for (const [where, text] of said)
        for (const secret of [...known, 'wrong-password'])
          assert.not.ok(text.includes(secret), `a secret in the ${where}`);
      say(`${said.size} places searched for ${known.length} secrets`);
    },
  );
}

/** A one-shot sidecar of its own that clones by ssh. */
async function cloneBySsh(project: Project, knownHosts: string): Promise<{ exitCode: number; log: string }> {
  const environment = {
    GITSYNC_REPO: 'ssh://git@git-server:2222/app.git',
    GITSYNC_SSH_KEY_FILE: '/secrets/deploy/id_ed25519',
    GITSYNC_SSH_KNOWN_HOSTS_FILE: `/secrets/deploy/${knownHosts}`,
    GITSYNC_ROOT: '/tmp/git',
    GITSYNC_ONE_TIME: 'true',
    GITSYNC_MAX_FAILURES: '0',
    ADMIN_PORT: '9942',
    // Not the live one's business.
    GITSYNC_RECEIVE_SECRET_FILE: '',
    GITSYNC_GATE_COMMAND: '',
    GITSYNC_SIGNAL: '',
    GITSYNC_VERIFY_URL: '',
  };
  const flags = Object.entries(environment).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
  let log = '';
  const command = ['run', '--rm', '-T', '--no-deps', ...flags, 'git-sync'];
  const exitCode = await project.compose(command, { timeoutMs: 60_000, onStdout: (text) => (log += text) }).then(
    () => 0,
    (error: unknown) => {
      if (!(error instanceof EngineError) || error.reason !== 'failed') throw error;
      return error.exitCode ?? -1;
    },
  );
  return { exitCode, log };
}

function lastMessage(log: string): string {
  const line = log.split('\n').findLast((each) => each.includes('"level":"error"'));
  const { msg = 'no log line', error = '' } = JSON.parse(line ?? '{}') as { msg?: string; error?: string };
  return `${msg}: ${error}`;
}

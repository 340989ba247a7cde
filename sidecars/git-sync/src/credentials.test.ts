/** Several accounts and several keys: each where it belongs, and nowhere else. */
import { writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { parseCredentials } from './repository/credentials.ts';
import { TestGitServer } from './test-git-server.ts';
import { TestRepository } from './test-repository.ts';
import { TestSidecar } from './test-sidecar.ts';

const basic = (name: string, password: string): string =>
  `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`;

/** A repository on a server of its own, which wants an account or none. */
async function served(credentials?: {
  username: string;
  password: string;
}): Promise<{ repository: TestRepository; server: TestGitServer; url: string }> {
  const repository = new TestRepository(join(temporaryDirectory('git-sync-served'), 'repository'));
  repository.commit({ file: 'one' });
  const server = new TestGitServer(dirname(repository.directory));
  server.credentials = credentials;
  return {
    repository,
    server,
    url: `http://127.0.0.1:${await server.listen()}/${basename(repository.directory)}/.git`,
  };
}

test('submodules on other servers: public, with an account of its own, and with one for its path', async () => {
  const top = await served({ username: 'deploy', password: 'secret-top' });
  const open = await served();
  const closed = await served({ username: 'robot', password: 'secret-robot' });
  const paths = await served({ username: 'reader', password: 'secret-reader' });
  const secrets = temporaryDirectory('git-sync-secrets');
  for (const name of ['top', 'robot', 'reader', 'other']) writeFileSync(join(secrets, name), `secret-${name}\n`);
  const modules = { open, closed, paths };
  const gitmodules = Object.entries(modules).map(
    ([name, { url }]) => `[submodule "${name}"]\n\tpath = ${name}\n\turl = ${url}\n`,
  );
  top.repository.commit({ '.gitmodules': gitmodules.join('') });
  for (const [name, { repository }] of Object.entries(modules))
    top.repository.git('update-index', '--add', '--cacheinfo', `160000,${repository.head()},${name}`);
  top.repository.git('commit', '--quiet', '--message=submodules');
  const origin = new URL(paths.url).origin;
  const sidecar = await TestSidecar.start({
    GITSYNC_REPO: top.url,
    GITSYNC_USERNAME: 'deploy',
    GITSYNC_PASSWORD_FILE: join(secrets, 'top'),
    GITSYNC_CREDENTIAL: JSON.stringify([
      { url: `${new URL(closed.url).origin}/`, username: 'robot', 'password-file': join(secrets, 'robot') },
      { url: origin, username: 'other', 'password-file': join(secrets, 'other') },
      { url: `${origin}/repository/.git`, username: 'reader', 'password-file': join(secrets, 'reader') },
    ]),
  });
  await sidecar.lives(top.repository.head());
  assert.equal([...new Set(open.server.authorizations)], [undefined], 'a public server is told nothing');
  const sent = (server: TestGitServer): string[] =>
    [...new Set(server.authorizations)].filter((each) => each !== undefined);
  assert.equal(sent(top.server), [basic('deploy', 'secret-top')]);
  assert.equal(sent(closed.server), [basic('robot', 'secret-robot')]);
  assert.equal(sent(paths.server), [basic('reader', 'secret-reader')]);
  assert.not.match(sidecar.output, /secret-/);
  await sidecar.stop();
  for (const { server } of [top, ...Object.values(modules)]) server.close();
});

test('a password that cannot be read is said by the name of the parameter', async () => {
  const repository = new TestRepository();
  repository.commit({ file: 'one' });
  const sidecar = await TestSidecar.start({
    GITSYNC_REPO: repository.url,
    GITSYNC_CREDENTIAL: '{"url":"https://git.example","username":"a","password-file":"/no/such/file"}',
  });
  const { error } = await sidecar.reports('it says so', (report) => report.error !== undefined);
  assert.match(error!.error, /^GITSYNC_CREDENTIAL: \/no\/such\/file cannot be read \(ENOENT\)/);
  await sidecar.stop();
});

test('what is accepted is accepted in all its forms, and nothing wrong is repeated', () => {
  const good = { url: 'https://git.example/team/', username: 'a', 'password-file': '/run/secrets/a' };
  const read = [{ url: 'https://git.example/team', username: 'a', passwordFile: '/run/secrets/a' }];
  assert.equal(parseCredentials(JSON.stringify(good)), read);
  assert.equal(parseCredentials(JSON.stringify([good])), read);
  for (const [wrong, sentence] of [
    ['{', 'is not JSON'],
    [[good, good], 'two entries for one url'],
    [{ ...good, password: 'top-secret' }, 'with a password in it'],
    [{ ...good, extra: 'top-secret' }, 'a key that is not known'],
    [{ ...good, url: 'https://user:top-secret@git.example' }, 'holds a user or password'],
    [{ ...good, url: 'ssh://git.example' }, 'not http or https'],
    [{ ...good, url: 'https://git.example/"]\n[core]' }, 'whose url'],
    [{ ...good, username: '' }, 'without a username'],
    [{ ...good, username: 'a\npassword=b' }, 'without a username'],
    [{ ...good, 'password-file': 'relative' }, 'without an absolute password-file'],
    [[7], 'that is no object'],
    [Array.from({ length: 101 }, (_, index) => ({ ...good, url: `https://git.example/${index}` })), 'more than 100'],
  ] as const) {
    try {
      parseCredentials(typeof wrong === 'string' ? wrong : JSON.stringify(wrong));
      assert.unreachable(sentence);
    } catch (error) {
      assert.match((error as Error).message, sentence);
      assert.not.match((error as Error).message, 'top-secret');
    }
  }
  fc.assert(
    fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
      try {
        assert.ok(Array.isArray(parseCredentials(text)));
      } catch (error) {
        assert.match((error as Error).message, /^(is|has) /);
      }
    }),
  );
});

test.run();

/** x-sidecars with containers: brought up, seen from outside, killed, recreated, changed and taken back. */
import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { hashSync } from 'bcryptjs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { contentOf, DEBIAN, inProject } from './test-project.ts';

const test = suite('up: running projects');

/** A web server that answers with one word, in Perl; `$$` is compose's way to write a dollar sign. */
const SERVER = `use Socket; socket(S, PF_INET, SOCK_STREAM, 0); setsockopt(S, SOL_SOCKET, SO_REUSEADDR, 1); bind(S, sockaddr_in(8080, INADDR_ANY)) or die; listen(S, 5); while (accept(C, S)) { while (defined($$l = <C>)) { last if $$l =~ /^\\\\r?\\\\n/ } print C qq(HTTP/1.0 200 OK\\\\r\\\\nContent-Length: 5\\\\r\\\\n\\\\r\\\\nhello); close C }`;
/** A server that speaks first and says who it is. */
const FIRST = SERVER.replace(/while \(defined.*$/, 'print C qq(READY\\\\n); close C }');
const web = (sidecars: string, more = ''): string =>
  `services:\n  web:\n    image: ${DEBIAN}\n    init: true\n    restart: always\n    command: [perl, -e, "${SERVER}"]\n    ports: ["127.0.0.1::8080"]\n    x-sidecars: ${sidecars}\n${more}secrets: { auth_htpasswd: { file: ./auth_htpasswd } }\n`;

const page = (url: string, authorization?: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const headers = authorization === undefined ? {} : { authorization: `Basic ${btoa(authorization)}` };
    const asked = request(url, { rejectUnauthorized: false, timeout: 5000, headers }, (response) => {
      let text = `${response.statusCode} `;
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve(text));
    });
    asked.on('timeout', () => asked.destroy(new Error('no answer in time')));
    asked.on('error', reject);
    asked.end();
  });

test('tls and auth by one line: up, a second up, a crash, a new container, down and undo', () =>
  inProject(async ({ name, folder, write, ours, docker, containers }) => {
    write(web('[tls, auth]'));
    const files = contentOf(folder);
    const up = await ours('up');
    assert.is(up.code, 0, up.said);
    let url = /https:\/\/localhost:\d+/.exec(up.said)?.[0].replace('localhost', '127.0.0.1');
    assert.ok(url, up.said);
    let login = 'ann:secret';
    const answers = async (): Promise<void> => {
      const hello = async (): Promise<boolean> => (await page(url!, login)) === '200 hello';
      await eventually('the application answers by tls and auth', hello, { within: 120_000 });
    };
    await answers();
    assert.match(await page(url!), /^401 /);

    const before = await containers();
    assert.equal([...before.keys()].toSorted(), ['web', 'web-auth', 'web-pod', 'web-tls']);
    const published = await docker('inspect', '--format', '{{json .NetworkSettings.Ports}}', before.get('web-pod')!);
    assert.equal(
      Object.entries(JSON.parse(published) as Record<string, unknown>).flatMap(([port, host]) => (host ? [port] : [])),
      ['8443/tcp'],
    );
    // A secret that changed has come with it.
    const secret = readFileSync(join(folder, 'auth_htpasswd'));
    writeFileSync(join(folder, 'auth_htpasswd'), `ann:${hashSync('changed', 4)}\n`);
    login = 'ann:changed';
    assert.is((await ours('up')).code, 0);
    assert.equal(await containers(), before);
    await answers();

    await docker('exec', before.get('web')!, 'sh', '-c', 'kill -9 $(pidof perl)');
    await answers();
    const recreate = ['up', '--detach', '--wait', '--no-deps', '--force-recreate', 'web'];
    await docker('compose', '-f', 'compose.yaml', '-f', 'compose.sidecars.yaml', '-p', name, ...recreate);
    await answers();
    const after = await containers();
    assert.equal(
      [...before].filter(([name, id]) => after.get(name) !== id).map(([name]) => name),
      ['web'],
    );

    await docker('restart', '--time', '1', after.get('web-pod')!);
    const healed = await ours('heal');
    assert.is(healed.code, 0, healed.said);
    assert.match(healed.said, /restart .*web-tls/);
    // The engine chooses another port.
    url = `https://${await docker('port', after.get('web-pod')!, '8443')}`;
    await answers();
    assert.match((await ours('heal')).said, 'Every pod is whole.');

    // A volume that only the file before names: compose alone would refuse the two files together.
    const shared = `{ tls:, auth:, topz: { share: [/var/log] } }\n    volumes: ["logs:/var/log"]`;
    write(`${web(shared)}volumes: { logs: }\n`);
    assert.is((await ours('up')).code, 0);
    write(web('[tls]'));
    const listed = await ours('ps');
    assert.is(listed.code, 0, listed.said);
    assert.match(listed.said, /does not fit your files any more; up writes it anew[^]*web-topz/);
    assert.is((await ours('up')).code, 0);
    const left = [...(await containers()).keys()];
    assert.equal(left.toSorted(), ['web', 'web-pod', 'web-tls']);
    assert.is((await containers()).get('web-pod'), before.get('web-pod'));
    const images = async (): Promise<string> =>
      docker('image', 'ls', '--quiet', '--filter', `reference=sidecar-stacks/*:*-${name}.*`);
    assert.not.equal(await images(), '');
    // The pod is removed, and its members are left without a network.
    await docker('rm', '--force', before.get('web-pod')!);
    const anew = await ours('heal');
    assert.is(anew.code, 0, anew.said);
    const whole = await containers();
    assert.equal([...whole.keys()].toSorted(), ['web', 'web-pod', 'web-tls']);
    url = `https://${await docker('port', whole.get('web-pod')!, '8443')}`;
    await eventually('it answers again', async () => (await page(url!)) === '200 hello', { within: 120_000 });
    // What the written file needs is gone from the project: its containers are found by its name.
    write(web('[tls]').replace(/^ {2}web:/m, '  site:'));
    const down = await ours('down', '--volumes');
    assert.is(down.code, 0, down.said);
    assert.match((await ours('heal')).said, `There are no containers of project ${name}.`);
    write(web('[tls, auth]'));
    const undo = await ours('undo');
    assert.is(undo.code, 0, undo.said);
    assert.is(await images(), '', undo.said);
    writeFileSync(join(folder, 'auth_htpasswd'), secret);
    assert.equal(contentOf(folder), files);
  }));

test('another project that builds the same sidecars changes nothing of the first one', () =>
  inProject(async (first) => {
    first.write(web('[tls]'));
    assert.is((await first.ours('up')).code, 0);
    const before = await first.containers();
    await inProject(async (second) => {
      second.write(web('[tls]'));
      assert.is((await second.ours('up')).code, 0);
      assert.is((await first.ours('up')).code, 0);
      assert.equal(await first.containers(), before);
    });
  }));

test('replicas are whole pods with one name; scaling up and down leaves the others alone', () =>
  inProject(async ({ write, ours, docker, containers }) => {
    const client = `  client: { image: "${DEBIAN}", init: true, command: sleep infinity }\n`;
    write(web('[tls]', `    deploy: { replicas: 2 }\n${client}`));
    const up = await ours('up');
    assert.is(up.code, 0, up.said);
    const before = await containers();
    assert.is(before.size, 7);
    const addresses = async (): Promise<number> =>
      new Set((await docker('exec', before.get('client')!, 'getent', 'ahostsv4', 'web')).match(/^\S+/gm)).size;
    assert.is(await eventually('one name has both addresses', async () => (await addresses()) === 2), true);
    assert.is((await ours('up', '--scale', 'web=3')).code, 0);
    const three = await containers();
    assert.is(three.size, 10);
    assert.is(await eventually('the third is found too', async () => (await addresses()) === 3), true);
    assert.equal(
      [...before].filter(([service, id]) => three.get(service) !== id),
      [],
    );
    assert.is((await ours('up', '--scale', 'web=1')).code, 0);
    assert.is(await eventually('one is left', async () => (await addresses()) === 1), true);
    const one = await containers();
    assert.equal(
      [...one].filter(([service, id]) => before.get(service) !== id),
      [],
    );
    assert.equal([...one.keys()].toSorted(), ['client', 'web', 'web-pod', 'web-tls']);
  }));

test('a mesh by one line: members use mTLS, others are refused, server-first ports work', () =>
  inProject(async ({ name, write, ours, docker, containers }) => {
    const service = (key: string, server: string): string =>
      `  ${key}:\n    image: ${DEBIAN}\n    init: true\n    restart: always\n    command: [perl, -e, "${server}"]\n    expose: [8080]\n`;
    write(web('[tls]', `${service('api', SERVER)}${service('db', FIRST)}`));
    const up = await ours('up', '--mesh');
    assert.is(up.code, 0, up.said);
    assert.match(up.said, /^mesh: web, api, db$/m);
    const url = /https:\/\/localhost:\d+/.exec(up.said)![0].replace('localhost', '127.0.0.1');
    await eventually('the published port answers', async () => (await page(url)) === '200 hello', { within: 120_000 });

    const ask = (host: string, text: string): string[] => [
      'perl',
      '-e',
      `use Socket; alarm 20; $|=1; socket(S, PF_INET, SOCK_STREAM, 0); connect(S, sockaddr_in(8080, inet_aton('${host}') || die 'unknown')) or die $!; send(S, qq(${text}), 0) if '${text}'; print while <S>`,
    ];
    const get = 'GET / HTTP/1.1\\r\\nHost: api:8080\\r\\nConnection: close\\r\\n\\r\\n';
    const members = await containers();
    const from = async (...argv: string[]): Promise<string> => docker('exec', members.get('web')!, ...argv);
    const within = { within: 120_000 };
    await eventually('an HTTP server answers', async () => (await from(...ask('api', get))).endsWith('hello'), within);
    await eventually('a server that speaks first does', async () => (await from(...ask('db', ''))) === 'READY', within);
    const stranger = await docker('run', '--rm', '--network', `${name}_default`, DEBIAN, ...ask('api', get));
    assert.match(stranger, /^HTTP\/1\.1 403 /);

    await docker('exec', members.get('api')!, 'sh', '-c', 'kill -9 $(pidof perl)');
    await eventually(
      'it answers after a crash',
      async () => (await from(...ask('api', get))).endsWith('hello'),
      within,
    );
    // An engine that starts again gives each pod a new network, and runs what is to be restarted, in any order.
    for (const service of ['api-pod', 'api', 'api-mesh-proxy', 'api-mesh-init']) {
      const id = (await containers()).get(service);
      if (id !== undefined) await docker('restart', '--time', '1', id);
    }
    await eventually(
      'members reach it through its proxy',
      async () => (await from(...ask('api', get))).endsWith('hello'),
      within,
    );
    const again = await docker('run', '--rm', '--network', `${name}_default`, DEBIAN, ...ask('api', get));
    assert.match(again, /^HTTP\/1\.1 403 /);
    assert.is((await ours('up', '--mesh=observe')).code, 0);
    const open = async (): Promise<boolean> =>
      (await docker('run', '--rm', '--network', `${name}_default`, DEBIAN, ...ask('api', get))).endsWith('hello');
    await eventually('everybody is let in while it only observes', open, within);
    assert.is((await containers()).get('api'), members.get('api'));
  }));

test.run();

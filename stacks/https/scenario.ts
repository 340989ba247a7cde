/** What the https stack must do, seen from outside and from inside its containers. */
import { once } from 'node:events';
import { connect as tcpConnect, type Socket } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import mqtt from 'mqtt';
import * as assert from 'uvu/assert';
import { metric, netNamespace, ready } from '../../scripts/lib/admin.ts';
import { lasting } from '../../scripts/lib/lasting.ts';
import { eventually, steadily } from '#kit/testing/eventually.ts';
import { scenario, type Stage } from '../../scripts/lib/scenario.ts';
import { fetchPage, fetchPageH2, handshake, HOST, serialAt } from './client.ts';
import { startLoad } from './load.ts';

const stack = scenario(import.meta.url);
const { must, run } = stack;
// Three lanes to begin with: the guest book, the broker next door, and clients that mostly wait.
const guestbook = stack.lane('guestbook');
const broker = stack.lane('broker');
const patience = stack.lane('slow clients');

const CLIENTS = 32;
const PAGE = '/cgi-bin/guestbook.cgi';

/** The stack's CA, from the volume that the sidecar mounts. */
const authority = ({ project }: Pick<Stage, 'project'>): Promise<string> =>
  project.exec('guestbook-tls', ['cat', '/certs/ca.pem']);
const home = ({ port }: Stage, path = '/'): string => `https://${HOST}:${port('HTTPS')}${path}`;

guestbook.must(
  'let nothing reach the app but through TLS',
  {
    say: 'A guest book from the nineties: Perl, HTTP/1.0, no encryption. It listens on the loopback interface of its pod, where nobody but its sidecar can reach it.',
  },
  async ({ project, port, say }) => {
    const knock = (at: number): Promise<string> =>
      project
        .exec('broker-pod', ['bash', '-c', `exec 3<>/dev/tcp/guestbook-pod/${at} && echo open`])
        .catch(() => 'closed');
    assert.is(await knock(8443), 'open', 'a neighbour reaches the sidecar');
    assert.is(await knock(8080), 'closed', 'a neighbour reaches the app');
    const sockets = await project.exec('guestbook-pod', ['cat', '/proc/net/tcp']);
    const listening = sockets
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[3] === '0A')
      .map((fields) => fields[1]!.split(':'));
    const outside = listening
      .filter(([address]) => address === '00000000')
      .map(([, hex]) => Number.parseInt(hex!, 16))
      .toSorted((a, b) => a - b);
    assert.equal(outside, [8081, 8443, 9901], 'ports that are open to the outside');
    const plain = await fetchPage(`http://${HOST}:${port('HTTPS')}/`).catch((error: Error) => error.message);
    assert.not.match(JSON.stringify(plain), /home page/, 'plain HTTP on the TLS port shows the page');
    say(`open to the outside: ${outside.join(', ')} (TLS, redirect, admin); the app's 8080 is not`);
  },
);

guestbook.must(
  "show a certificate of the stack's CA, which no other CA verifies",
  {
    say: 'The certificate is checked as a browser would: the right authority, the right name.',
  },
  async ({ project, port, say }) => {
    const ca = await authority({ project });
    const socket = await handshake(port('HTTPS'), { ca });
    say(`${socket.getProtocol()}, ${socket.getCipher().standardName}, ${socket.getPeerCertificate().subjectaltname}`);
    socket.destroy();
    const other = (await project.run('pki', ['cat', '/pki/other.crt'])).trim();
    const refused = await handshake(port('HTTPS'), { ca: other }).then(
      () => 'accepted',
      (error: NodeJS.ErrnoException) => error.code,
    );
    assert.match(refused!, /UNABLE_TO_VERIFY|SELF_SIGNED|UNABLE_TO_GET_ISSUER/);
    const misnamed = await handshake(port('HTTPS'), { ca, servername: 'somewhere.example' }).then(
      () => 'accepted',
      (error: NodeJS.ErrnoException) => error.code,
    );
    assert.is(misnamed, 'ERR_TLS_CERT_ALTNAME_INVALID');
  },
);

guestbook.must(
  'serve the app over HTTP/1.1 and HTTP/2',
  {
    say: 'The app speaks HTTP/1.0 and closes every connection. Its clients get HTTP/1.1 and HTTP/2.',
  },
  async (stage) => {
    const ca = await authority(stage);
    const one = await fetchPage(home(stage), { ca });
    assert.is(one.status, 200);
    assert.match(one.body, /Welcome to our home page/);
    const two = await fetchPageH2(home(stage), ca);
    assert.is(two.status, 200);
    assert.is(two.body, one.body);
  },
);

guestbook.must(
  'tell the app who called and by which scheme, and believe no client about it',
  {
    say: 'The sidecar tells the app who called, in headers that the app has always understood, and drops those that a client made up.',
  },
  async (stage) => {
    const ca = await authority(stage);
    const { body } = await fetchPage(home(stage, PAGE), {
      ca,
      headers: {
        'x-forwarded-for': '6.6.6.6',
        'x-forwarded-proto': 'gopher',
        x_forwarded_for: '6.6.6.6',
        forwarded: 'for=6.6.6.6',
      },
    });
    const seen = /You come from <b>([^<]*)<\/b> by <b>([^<]*)<\/b>, asking for <b>([^<]*)</.exec(body);
    assert.ok(seen, 'the page tells what the app was told');
    assert.is(seen[2], 'https');
    assert.is(seen[3], `${HOST}:${stage.port('HTTPS')}`);
    assert.match(seen[1]!, /^[0-9a-f.:]+$/);
    assert.not.match(body, /6\.6\.6\.6|gopher/);
    assert.not.equal(seen[1], '127.0.0.1', 'the sidecar is not the caller');
    const log = await stage.project.exec('guestbook', ['tail', '-n', '1', '/var/log/guestbook/access.log']);
    assert.ok(log.startsWith(`${seen[1]} - - `), `the app's own log has the caller: ${log}`);
    stage.say(log);
  },
);

guestbook.must(
  'redirect plain HTTP to HTTPS',
  {
    say: 'Who comes by plain HTTP is sent to HTTPS, and told to stay there.',
  },
  async (stage) => {
    const ca = await authority(stage);
    const { status, headers } = await fetchPage(`http://${HOST}:${stage.port('HTTP')}${PAGE}?a=b`);
    assert.is(status, 308);
    assert.is(headers.location, home(stage, `${PAGE}?a=b`));
    const secure = await fetchPage(home(stage), { ca });
    assert.match(secure.headers['strict-transport-security'] ?? '', /^max-age=3600/);
  },
);

guestbook.must(
  'keep the private key from the app',
  {
    say: 'The app shares its network with the sidecar, not its files: the private key is out of its reach.',
  },
  async ({ project }) => {
    const key = await project.exec('guestbook-tls', ['bash', '-c', 'head -c 27 /certs/tls.key']);
    assert.match(key, /BEGIN .*PRIVATE KEY/, 'the sidecar reads it');
    const found = await project.exec('guestbook', [
      'bash',
      '-c',
      'ls -A /certs /var/lib/tls 2>/dev/null; grep -rlsI "PRIVATE KEY" /srv /etc /var /tmp /run /home /proc/1/environ; find / -xdev -name "*.key" 2>/dev/null; true',
    ]);
    assert.is(found, '');
    const processes = await project.exec('guestbook', ['bash', '-c', 'cat /proc/[0-9]*/comm']);
    assert.not.match(processes, /node/, 'the app sees no process of the sidecar');
  },
);

guestbook.must(
  'share a pod between two releases of the operating system',
  {
    say: 'Application and sidecar share a pod, not an operating system.',
  },
  async ({ project, say }) => {
    const release = async (service: string): Promise<string> =>
      (await project.exec(service, ['bash', '-c', '. /etc/os-release; echo $VERSION_CODENAME'])).trim();
    const [app, sidecar] = await Promise.all([release('guestbook'), release('guestbook-tls')]);
    assert.is.not(app, sidecar);
    say(`app on ${app}, sidecar on ${sidecar}`);
  },
);

guestbook.must(
  'keep every request while the certificate rotates',
  {
    say: `The certificate is renewed while ${CLIENTS} clients load the guest book.`,
  },
  async ({ project, port, say, ...stage }) => {
    const ca = await authority({ project });
    const url = home({ project, port, say, ...stage });
    const before = await serialAt(port('HTTPS'), ca);
    const load = startLoad(url, ca, CLIENTS);
    await eventually('the load runs', () => load.answered() > CLIENTS * 2);
    await project.run('pki', ['pki', 'renew', 'guestbook']);
    const after = await eventually('new connections see the new certificate', async () => {
      const serial = await serialAt(port('HTTPS'), ca);
      return serial !== before && serial;
    });
    const so_far = load.answered();
    await eventually('the load goes on', () => load.answered() > so_far + CLIENTS * 2);
    const report = await load.stop();
    assert.is(report.lost.length, 0, `${report.lost.length} requests lost: ${[...new Set(report.lost)].join(', ')}`);
    assert.is(report.refused, 0, 'connections refused');
    assert.equal([...report.statuses.keys()], [200]);
    assert.is(report.connections, CLIENTS, 'connections from before the rotation live on, so that no other was made');
    say(`${report.answered} requests answered, none lost; serial …${before.slice(-6)} became …${after.slice(-6)}`);
  },
);

broker.must(
  'carry WebSocket to a broker behind a certificate of its own making',
  {
    say: 'Next door, a message broker as Debian packages it. This sidecar was given no certificate, so it made a development CA. MQTT over WebSocket goes through.',
  },
  async ({ project, port }) => {
    const ca = await authority({ project });
    const development = (): Promise<string> => project.exec('broker-wss', ['cat', '/var/lib/tls/ca.crt']);
    const before = await development();
    const client = await mqtt.connectAsync(`wss://${HOST}:${port('WSS')}/mqtt`, { ca: before, reconnectPeriod: 0 });
    const received = new Promise<string>((resolve) =>
      client.once('message', (_topic, payload) => resolve(payload.toString())),
    );
    await client.subscribeAsync('greetings');
    await client.publishAsync('greetings', 'hello through TLS');
    assert.is(await received, 'hello through TLS');
    await client.endAsync(true);
    const verdict = await handshake(port('WSS'), { ca }).then(
      () => 'accepted',
      (error: NodeJS.ErrnoException) => error.code ?? '',
    );
    assert.match(verdict, /UNABLE|SELF_SIGNED/, "the stack's CA does not verify the development certificate");
    await project.crash('broker-wss');
    await eventually(
      'the sidecar is back',
      () => handshake(port('WSS'), { ca: before }).then((socket) => !!socket.destroy()),
      { within: 20_000 },
    );
    assert.is(await development(), before, 'the development CA is kept');
  },
);

broker.must(
  'let only the devices of its CA speak MQTT',
  {
    say: "The broker's own protocol goes through the same sidecar in tcp mode. Only clients with a certificate for *.devices.example get through.",
  },
  async ({ project, port }) => {
    const ca = await authority({ project });
    const attempt = async (cert?: string): Promise<string> => {
      const socket = tlsConnect({
        host: HOST,
        port: port('MQTTS'),
        ca,
        servername: HOST,
        ...(cert !== undefined && { cert, key: cert }),
      });
      try {
        await once(socket, 'secureConnect');
        // CONNECT of MQTT 3.1.1 with a clean session and an empty client id; CONNACK begins with 0x20.
        socket.write(Buffer.from('100c00044d5154540402003c0000', 'hex'));
        const [data] = (await Promise.race([
          once(socket, 'data'),
          once(socket, 'close').then(() => [Buffer.of()]),
        ])) as [Buffer];
        return data[0] === 0x20 ? 'accepted' : 'closed';
      } catch (error) {
        return (error as NodeJS.ErrnoException).code ?? 'error';
      } finally {
        socket.destroy();
      }
    };
    const [device, stranger] = await Promise.all([
      project.run('pki', ['pki', 'client', 'lamp']),
      project.run('pki', ['pki', 'stranger']),
    ]);
    const guestbook = await project.run('pki', ['bash', '-c', 'cat /certs/guestbook/tls.crt /certs/guestbook/tls.key']);
    assert.is(await attempt(device), 'accepted', 'a device of the CA');
    assert.is.not(await attempt(), 'accepted', 'no certificate');
    assert.is.not(await attempt(stranger), 'accepted', 'a certificate of another CA');
    assert.is.not(await attempt(guestbook), 'accepted', 'a certificate of the CA for another name');
  },
);

patience.must(
  'serve everybody while slow clients dawdle',
  {
    say: 'A hundred and fifty slow clients: half a handshake, half a header, half a body. Everybody else is served as before, and the slow are let go.',
  },
  async (stage) => {
    const ca = await authority(stage);
    const port = stage.port('HTTPS');
    const slow: Socket[] = [];
    const closed: Promise<unknown>[] = [];
    const keep = (socket: Socket): void => {
      slow.push(socket);
      closed.push(once(socket.on('error', () => {}).resume(), 'close'));
    };
    for (let index = 0; index < 50; index++) {
      keep(tcpConnect(port, HOST));
      for (const begin of [
        'GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ',
        `POST ${PAGE} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nname=`,
      ]) {
        const socket = tlsConnect({ host: HOST, port, ca, servername: HOST });
        socket.once('secureConnect', () => socket.write(begin));
        keep(socket);
      }
    }
    try {
      const times: number[] = [];
      await steadily(
        async () => {
          const begin = performance.now();
          assert.is((await fetchPage(home(stage), { ca })).status, 200);
          times.push(performance.now() - begin);
        },
        1500,
        10,
      );
      const slowest = Math.max(...times);
      assert.ok(slowest < 1500, `the slowest of ${times.length} requests took ${slowest.toFixed(0)} ms`);
      // TLS_IDLE_TIMEOUT, the longest of the three limits, is 4 s in this stack.
      await eventually('all slow clients are let go', () => slow.every((socket) => socket.destroyed), {
        within: 15_000,
      });
      await Promise.all(closed);
      stage.say(`${times.length} requests beside ${slow.length} slow clients, the slowest in ${slowest.toFixed(0)} ms`);
    } finally {
      for (const socket of slow) socket.destroy();
    }
  },
);

must(
  'keep a good certificate when a broken pair arrives',
  {
    say: 'Somebody puts the wrong key beside the certificate. The good pair stays in use; a log line and a metric say why.',
  },
  async ({ project, port, say }) => {
    const ca = await authority({ project });
    const before = await serialAt(port('HTTPS'), ca);
    const refused = (): Promise<number> =>
      metric(project, 'guestbook-tls', 'tls_certificate_reloads_total{result="refused"}');
    const count = await refused();
    await project.run('pki', [
      'bash',
      '-c',
      'cp /certs/guestbook/tls.key /pki/good.key && cp /certs/broker/broker.key /certs/guestbook/tls.key',
    ]);
    await eventually('the broken pair is refused', async () => (await refused()) > count);
    assert.is(await serialAt(port('HTTPS'), ca), before);
    const line = (await project.logs((await project.inspect('guestbook-tls')).Id, 20))
      .split('\n')
      .findLast((each) => /"level":"(warn|error)"/.test(each));
    say((JSON.parse(line ?? '{}') as { msg?: string }).msg ?? 'no log line');
    assert.match(line ?? '', /key/i, 'a log line says why');
    await project.run('pki', ['bash', '-c', 'rm /pki/good.key && pki renew guestbook']);
    await eventually('the next good pair is taken', async () => (await serialAt(port('HTTPS'), ca)) !== before);
  },
);

must(
  'answer 503 for an app that crashed, and be back without touching anything else',
  {
    say: 'The app crashes. Until it is back its clients get a 503 with Retry-After, and nothing else in the pod restarts.',
  },
  async (stage) => {
    const ca = await authority(stage);
    const { project, say } = stage;
    const others = async (): Promise<string[]> =>
      (await project.containers())
        .filter(({ Name }) => !Name.includes('-guestbook-1'))
        .map(({ Name, State, RestartCount }) => `${Name} ${State.StartedAt} ${RestartCount}`)
        .toSorted();
    const [namespace, before, app] = await Promise.all([
      netNamespace(project, 'guestbook'),
      others(),
      project.inspect('guestbook'),
    ]);
    const crash = project.crash('guestbook');
    const down = await eventually(
      'clients get a 503',
      async () => {
        const answer = await fetchPage(home(stage), { ca });
        return answer.status === 503 && answer;
      },
      { every: 5 },
    );
    assert.match(down.headers['retry-after'] ?? '', /^\d+$/);
    await crash;
    await eventually('the app answers again', async () => (await fetchPage(home(stage), { ca })).status === 200, {
      within: 20_000,
    });
    assert.is((await project.inspect('guestbook')).RestartCount, app.RestartCount + 1);
    assert.is(await netNamespace(project, 'guestbook'), namespace, 'the app is back in the same network namespace');
    assert.is(await netNamespace(project, 'guestbook-tls'), namespace, 'and so is its sidecar');
    assert.equal(await others(), before, 'start times and restart counts of the others');

    await project.stop('guestbook');
    assert.is((await fetchPage(home(stage), { ca })).status, 503);
    await eventually('/readyz says that the app is down', async () => !(await ready(project, 'guestbook-tls')));
    await project.start('guestbook');
    await eventually('/readyz says that it is back', () => ready(project, 'guestbook-tls'));
    say(`same namespace ${namespace} before and after; ${before.length} other containers untouched`);
  },
);

must(
  'come back when the sidecar is killed, unnoticed by the app',
  {
    say: 'Now the sidecar is killed. It comes back; the app never noticed.',
  },
  async (stage) => {
    const ca = await authority(stage);
    const { project } = stage;
    const life = async (): Promise<string> => {
      const { State, RestartCount } = await project.inspect('guestbook');
      return `${State.StartedAt} ${RestartCount} ${await project.exec('guestbook', ['cat', '/proc/1/stat']).then((stat) => stat.split(' ')[21])}`;
    };
    const before = await life();
    await project.crash('guestbook-tls');
    await eventually('HTTPS answers again', async () => (await fetchPage(home(stage), { ca })).status === 200, {
      within: 20_000,
    });
    assert.ok((await project.inspect('guestbook-tls')).RestartCount > 0, 'the sidecar was restarted');
    assert.is(await life(), before, 'start time, restarts and first process of the app');
  },
);

must(
  'lose no request that had begun when the sidecar is stopped',
  {
    say: `The sidecar is stopped while ${CLIENTS} clients load it. Every request that had begun is answered.`,
  },
  async (stage) => {
    const ca = await authority(stage);
    const { project, say } = stage;
    const load = startLoad(home(stage), ca, CLIENTS);
    await eventually('the load runs', () => load.answered() > CLIENTS * 2);
    await project.stop('guestbook-tls');
    const report = await load.stop();
    const { State } = await project.inspect('guestbook-tls');
    assert.is(report.lost.length, 0, `${report.lost.length} requests lost: ${[...new Set(report.lost)].join(', ')}`);
    assert.is(State.ExitCode, 0);
    assert.equal([...report.statuses.keys()], [200]);
    await project.start('guestbook-tls');
    await eventually('HTTPS answers again', async () => (await fetchPage(home(stage), { ca })).status === 200);
    say(`${report.answered} requests answered, none lost; exit code ${State.ExitCode}`);
  },
);

must(
  'change nothing at a second `docker compose up`',
  {
    say: 'Bringing the stack up a second time changes nothing.',
  },
  async ({ project }) => {
    const before = await lasting(project);
    assert.is(before.length, 7);
    await project.up();
    assert.equal(await lasting(project), before);
  },
);

run();

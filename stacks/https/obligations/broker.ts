/** A message broker behind the same sidecar: WebSocket, and MQTT with client certificates. */
import { once } from 'node:events';
import { connect as tlsConnect } from 'node:tls';
import mqtt from 'mqtt';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { authorityOf, handshake, HOST } from '../lib/client.ts';

export function brokerObligations({ must }: Scenario): void {
  must(
    'carry WebSocket to a broker behind a development certificate',
    {
      say: 'Next door, a message broker as Debian packages it. This sidecar was given no certificate, so it made a development CA. MQTT over WebSocket goes through.',
    },
    async ({ project, port }) => {
      const ca = await authorityOf(project);
      const authority = (): Promise<string> => project.exec('broker-wss', ['cat', '/var/lib/tls/ca.crt']);
      const before = await authority();
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
        { within: 60_000 },
      );
      assert.is(await authority(), before, 'the development CA is kept');
    },
  );

  must(
    'let only the devices of its CA speak MQTT',
    {
      say: "The broker's own protocol goes through the same sidecar in tcp mode. Only clients with a certificate for *.devices.example get through.",
    },
    async ({ project, port }) => {
      const ca = await authorityOf(project);
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
      const guestbook = await project.run('pki', [
        'bash',
        '-c',
        'cat /certs/guestbook/tls.crt /certs/guestbook/tls.key',
      ]);
      assert.is(await attempt(device), 'accepted', 'a device of the CA');
      assert.is.not(await attempt(), 'accepted', 'no certificate');
      assert.is.not(await attempt(stranger), 'accepted', 'a certificate of another CA');
      assert.is.not(await attempt(guestbook), 'accepted', 'a certificate of the CA for another name');
    },
  );
}

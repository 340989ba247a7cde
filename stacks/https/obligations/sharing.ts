/** What application and sidecar share, and what not. */
import * as assert from 'uvu/assert';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';

export function sharingObligations({ must }: Scenario): void {
  must(
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

  must(
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
}

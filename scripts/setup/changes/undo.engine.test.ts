/** Setup's engine on a fresh machine (a container of Debian's older release), and the way back. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { docker } from '../../lib/engine.ts';
import { STACK_LABEL } from '../../lib/labels.ts';
import { ROOT } from '../../lib/stacks.ts';

const test = suite('unsetup');

/** What the machine is made of, before and after; between the two, setup and unsetup. */
const SCRIPT = `set -eu
apt-get update -qq >/dev/null 2>&1
apt-get install -y -qq --no-install-recommends libatomic1 procps >/dev/null 2>&1
snapshot() {
  dpkg-query -W -f '\${db:Status-Abbrev} \${binary:Package} \${Version}\\n'
  find /etc /var/lib/apt/lists -type f -exec sha256sum {} + | sort -k2
  ls -d /var/lib/* /var/log/*
  pgrep -a dockerd || true
}
node=$(ls -d /src/node_modules/node-linux-*/bin/node)
snapshot >/tmp/before
$node -e "import('/src/scripts/setup/engine/engine.ts').then((m) => m.ensureEngine({ say: console.log })).catch((e) => { console.error(e.message, e.advice); process.exit(1); })"
docker compose version
snapshot >/tmp/during
! cmp -s /tmp/before /tmp/during
echo '# mine' >>/etc/apt/preferences.d/sidecar-stacks.mine
echo '=== unsetup'
$node /src/scripts/unsetup.ts
rm /etc/apt/preferences.d/sidecar-stacks.mine
echo '=== left'
snapshot >/tmp/after
diff /tmp/before /tmp/after || true
echo '=== again'
$node /src/scripts/unsetup.ts
`;

/** What unsetup says that it leaves, and what packages leave behind by themselves. */
const LEFT = /^[<>] .*(\/etc\/(group|gshadow)-?|\/var\/log\/(alternatives|dockerd)\.log|\/var\/lib\/docker)$/;

test('unsetup takes back what setup did to a machine, and says what it leaves', async () => {
  const said = await docker(
    [
      'run',
      '--rm',
      '--privileged',
      '--label',
      `${STACK_LABEL}=unsetup`,
      '--volume',
      `${ROOT}:/src:ro`,
      '--volume',
      '/var/lib/docker',
      'sidecar-stacks/debian:bookworm',
      'bash',
      '-c',
      SCRIPT,
    ],
    { timeoutMs: 900_000 },
  );
  const part = (name: string): string => said.split(`=== ${name}\n`)[1]!.split('\n=== ')[0]!;
  assert.match(part('unsetup'), /packages .*docker\.io/s);
  assert.match(part('unsetup'), /sidecar-stacks\.sources was removed/);
  assert.match(part('unsetup'), /\/var\/lib\/docker stays/);
  const differences = part('left')
    .split('\n')
    .filter((line) => /^[<>]/.test(line) && !LEFT.test(line));
  assert.equal(differences, []);
  assert.match(part('again'), /changed nothing/);
});

test.run();

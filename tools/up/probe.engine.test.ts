/** A service with a `healthcheck:` and the probe sidecar: what turned unhealthy is restarted. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { DEBIAN, inProject } from './test-project.ts';

const test = suite('up: probe');

/** It answers 200, until it is asked for /break. */
const SERVER = `use Socket; socket(S, PF_INET, SOCK_STREAM, 0); setsockopt(S, SOL_SOCKET, SO_REUSEADDR, 1);
bind(S, sockaddr_in(8080, INADDR_ANY)) or die; listen(S, 5); $status = 200;
while (accept(C, S)) {
  $first = <C>; $status = 503 if $first =~ /break/;
  while (defined($line = <C>)) { last if $line =~ /^\\r?\\n/ }
  print C qq(HTTP/1.0 $status X\\r\\nContent-Length: 0\\r\\n\\r\\n); close C;
}`;
/** In place of curl, which the image has not. */
const CURL = `#!/bin/bash
exec 3<>/dev/tcp/localhost/8080 && printf 'GET /%s HTTP/1.0\\r\\n\\r\\n' "\${1##*/}" >&3 && read -r line <&3 && [[ $line == *' 200 '* ]]
`;

test('what its health check calls unhealthy is restarted by the probe, and nothing else is', () =>
  inProject(async ({ folder, write, ours, docker, containers }) => {
    writeFileSync(join(folder, 'server.pl'), SERVER);
    writeFileSync(join(folder, 'curl'), CURL, { mode: 0o755 });
    write(`services:
  web:
    image: ${DEBIAN}
    init: true
    restart: always
    command: [perl, /srv/server.pl]
    volumes: ["./server.pl:/srv/server.pl:ro", "./curl:/usr/local/bin/curl:ro"]
    healthcheck: { test: [CMD, curl, "http://localhost:8080/"], interval: 1s, timeout: 5s, retries: 2, start_period: 30s }
    x-sidecars: [probe]
`);
    const up = await ours('up');
    assert.is(up.code, 0, up.said);
    const before = await containers();
    assert.equal([...before.keys()].toSorted(), ['web', 'web-pod', 'web-probe']);
    const restarts = (service: string): Promise<string> =>
      docker('inspect', '--format', '{{.RestartCount}}', before.get(service)!);
    const curl = (path: string): Promise<string> =>
      docker('exec', before.get('web')!, 'curl', `http://localhost:8080/${path}`);
    await curl('');
    assert.is(await restarts('web'), '0');
    await curl('break').catch(() => undefined);
    const healthy = async (): Promise<boolean> => (await restarts('web')) === '1' && (await curl('')) === '';
    await eventually('it runs anew and answers', healthy, { within: 120_000, every: 500 });
    assert.equal([await restarts('web-pod'), await restarts('web-probe')], ['0', '0']);
    assert.equal(await containers(), before);
  }));

test.run();

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import { onFreePorts } from './free-example.ts';

const COMPOSE = `services:
  pod:
    ports: ["127.0.0.1:8080:8080", "8443:443/tcp", "\${PORT:-1}:80"]
  app:
    environment: { URL: "http://127.0.0.1:8080/" }
    logging: { options: { fluentd-address: localhost:8080 } }
`;

test('published ports move, in the file and in the commands; ports inside stay', async () => {
  const { compose, commands } = await onFreePorts({
    compose: COMPOSE,
    commands: [
      {
        text: 'curl localhost:8080/ https://127.0.0.1:8443/ && docker compose exec app nc 127.0.0.1 8080',
        expected: 'at localhost:8080',
      },
      { text: 'curl localhost:9999', expected: undefined },
    ],
  });
  const { services } = parse(compose) as { services: Record<string, any> };
  const [http, https, variable] = services['pod'].ports as string[];
  const [, port] = /^127\.0\.0\.1:(\d+):8080$/.exec(http!)!;
  const [, secure] = /^(\d+):443\/tcp$/.exec(https!)!;
  assert.is.not(port, '8080');
  assert.is.not(secure, '8443');
  assert.is(variable, '${PORT:-1}:80');
  assert.is(services['app'].environment.URL, 'http://127.0.0.1:8080/');
  assert.is(services['app'].logging.options['fluentd-address'], `localhost:${port}`);
  assert.is(
    commands[0]!.text,
    `curl localhost:${port}/ https://127.0.0.1:${secure}/ && docker compose exec app nc 127.0.0.1 8080`,
  );
  assert.is(commands[0]!.expected, `at localhost:${port}`);
  assert.is(commands[1]!.text, 'curl localhost:9999');
});

test('an example without published ports is left as it is', async () => {
  const example = { compose: 'services: {}\n', commands: [] };
  assert.equal(await onFreePorts(example), example);
});

test.run();

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createLog } from '#kit/telemetry/log.ts';
import { Provider } from './provider.ts';

test('an https issuer whose document names an endpoint without TLS is refused', async () => {
  for (const issuer of ['https://login.example', 'http://login.example'])
    for (const name of ['jwks_uri', 'token_endpoint', 'authorization_endpoint', 'userinfo_endpoint', 'nothing']) {
      const provider = new Provider({
        issuer,
        clientId: 'app',
        clientSecret: undefined,
        ca: undefined,
        connectTo: undefined,
        algorithms: ['RS256'],
        clockSkew: 0,
        log: createLog('auth', 'silent'),
        counts: { jwksFetches: { add: () => {} } as never },
        onUp: () => {},
      });
      const document = {
        issuer,
        jwks_uri: 'https://login.example/jwks',
        token_endpoint: 'https://login.example/token',
        authorization_endpoint: 'https://login.example/authorize',
        service_documentation: 'http://login.example/about',
        [name]: 'HTTP://login.example/plain',
      };
      Object.assign(provider.wire, { askJson: () => Promise.resolve(document) });
      const started = await provider.start().then(
        () => 'started',
        (error: Error) => error.message,
      );
      provider.close();
      if (issuer.startsWith('http:') || name === 'nothing') assert.is(started, 'started', `${issuer} ${name}`);
      else assert.match(started, new RegExp(`OIDC_ISSUER: .* names a ${name} without TLS`));
    }
});

test.run();

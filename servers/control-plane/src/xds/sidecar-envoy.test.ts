/** An Envoy in the place of our proxy: what an unmodified one needs beyond what ours reads. Run for real in the stack. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { EMPTY_POLICY, MeshStates } from '../mesh/mesh.ts';
import type { MeshPolicy, ServicePolicy } from '../policy/types.ts';
import { filtersOf, type Shown } from '../testing/envoy.ts';
import { show } from './resources/messages.ts';
import { CDS, EDS, LDS, RDS, SDS, type TypeUrl, type View } from './resources/types.ts';
import { Views } from './views.ts';

const BOOKS: ServicePolicy = {
  ports: [
    { port: 8000, protocol: 'http', requestHeaders: { set: { a: '100%' } } },
    { port: 7000, protocol: 'auto' },
  ],
  routes: [
    { name: 'mine', match: { from: ['front'] }, timeout: 1000 },
    { name: 'main', requestHeaders: { set: { b: '5%' } }, retry: { on: ['reset'] } },
  ],
};
const FRONT: ServicePolicy = { ports: [{ port: 8000, protocol: 'http' }], mtls: 'PERMISSIVE' };

function viewsOf(outbound: 'ALLOW_ANY' | 'REGISTRY_ONLY' = 'ALLOW_ANY', tracing?: MeshPolicy['tracing']) {
  const views = new Views();
  const states = new MeshStates();
  const replica = {
    id: 'b',
    service: 'books',
    name: 'books-1',
    address: '192.0.2.1',
    addresses: ['198.51.100.1'],
    labels: {},
    ports: [],
  };
  const publish = (services: Readonly<Record<string, ServicePolicy>>): void => {
    const { state, failures } = states.next({
      trustDomain: 'mesh.test',
      namespace: 'shop',
      policy: { mesh: { ...EMPTY_POLICY.mesh, mtls: 'STRICT', outbound, ...(tracing && { tracing }) }, services },
      splits: [],
      replicas: [{ ...replica, phase: 'ready', expires: 0, probe: 'unknown', leaseDigest: '' }],
      resolved: new Map(),
      probed: new Map(),
    });
    assert.is(views.update(state, 'roots', failures).failures.size, 0);
  };
  publish({ books: BOOKS, front: FRONT });
  return { views, publish };
}

function shown(view: View, type: TypeUrl, name: string): Shown {
  const { any } = view[type].get(name)!;
  return show(any.type_url.slice(any.type_url.lastIndexOf('/') + 1), any.value);
}
const textOf = (view: View, type: TypeUrl, name: string): string => JSON.stringify(shown(view, type, name));
const chainsOf = (view: View): Shown[] => shown(view, LDS, 'inbound')['filter_chains'] as Shown[];

test('endpoints and roots are the same as our proxies have, and clusters of the same names', () => {
  const { views } = viewsOf();
  const [ours, envoy] = [views.of('front'), views.ofEnvoyProxy('front')];
  for (const type of [EDS, SDS] as const) assert.is(envoy[type], ours[type]);
  const names = (view: View): string[] => [...view[CDS].all()].map(({ name }) => name).toSorted();
  assert.equal(names(envoy), names(ours));
});

test('a replica on two networks has both addresses, which an Envoy tries in turn', () => {
  const { views } = viewsOf();
  const [locality] = shown(views.ofEnvoyProxy('front'), EDS, 'outbound|8000||books')['endpoints'] as Shown[];
  const { endpoint } = locality!['lb_endpoints'][0];
  const addresses = [endpoint, ...endpoint.additional_addresses].map(({ address }: Shown) => address.socket_address);
  assert.equal(addresses, [
    { address: '192.0.2.1', port_value: 8000 },
    { address: '198.51.100.1', port_value: 8000 },
  ]);
});

test('names outside are passed on, or refused where only what is known is let out', () => {
  const hosts = (outbound: 'ALLOW_ANY' | 'REGISTRY_ONLY'): Shown[] =>
    shown(viewsOf(outbound).views.ofEnvoyProxy('front'), RDS, 'outbound|8000')['virtual_hosts'] as Shown[];
  assert.is(hosts('ALLOW_ANY').at(-1)!['routes'][0].route.cluster, 'PassthroughCluster');
  assert.is(hosts('REGISTRY_ONLY').at(-1)!['routes'][0].direct_response.status, 502);
  const ours = shown(viewsOf().views.of('front'), RDS, 'outbound|8000');
  assert.not((ours['virtual_hosts'] as Shown[]).some(({ domains }) => domains.includes('*')));
});

test('a percent sign in a header is escaped for Envoy, and left alone for our proxy', () => {
  const { views } = viewsOf();
  assert.match(textOf(views.ofEnvoyProxy('books'), RDS, 'outbound|8000'), '"5%%"');
  assert.match(textOf(views.of('books'), RDS, 'outbound|8000'), '"5%"');
  const inbound = (view: View): string => JSON.stringify(filtersOf(shown(view, LDS, 'inbound')));
  assert.match(inbound(views.ofEnvoyProxy('books')), '"100%%"');
  assert.match(inbound(views.of('books')), '"100%"');
});

test('routes for requests of one service reach the Envoys of that service alone', () => {
  const { views } = viewsOf();
  assert.match(textOf(views.ofEnvoyProxy('front'), RDS, 'outbound|8000'), '"mine"');
  assert.not.match(textOf(views.ofEnvoyProxy('books'), RDS, 'outbound|8000'), '"mine"');
});

test('each ALPN of the mesh has a chain of its own, with the codec that it names', () => {
  const found = chainsOf(viewsOf().views.ofEnvoyProxy('books')).map((chain) => {
    const [filter] = filtersOf({ filter_chains: [chain] }).slice(-1);
    return [chain['name'], chain['filter_chain_match'].application_protocols?.join(), filter!['codec_type']];
  });
  assert.equal(
    found.filter(([name]) => (name as string).startsWith('7000')),
    [
      ['7000-mtls-http1', 'mesh-http/1.1', 'HTTP1'],
      ['7000-mtls-http2', 'mesh-h2', 'HTTP2'],
      ['7000-mtls-tcp', 'mesh-tcp', undefined],
    ],
  );
});

test('HTTP/2 of a caller stays HTTP/2: it has its own chain and ALPN, and its cluster follows it', () => {
  const { views } = viewsOf();
  const view = views.ofEnvoyProxy('front');
  const chains = (shown(view, LDS, 'outbound|8000')['filter_chains'] as Shown[]).map((chain) => [
    chain['filter_chain_match'].application_protocols.join(),
    filtersOf({ filter_chains: [chain] })[0]!['on_new_connection']?.[0].format_string.text_format_source.inline_string,
  ]);
  assert.equal(chains, [
    ['http/1.0,http/1.1', undefined],
    ['h2c', 'mesh-h2'],
  ]);
  const options = shown(view, CDS, 'outbound|8000||books')['typed_extension_protocol_options'] as Shown;
  const { type_url, value } = options['envoy.extensions.upstreams.http.v3.HttpProtocolOptions'] as Shown;
  assert.ok('use_downstream_protocol_config' in show((type_url as string).split('/').at(-1)!, value as Buffer));
});

test("where mTLS is PERMISSIVE, the application's own TLS is passed on as it is", () => {
  const { views } = viewsOf();
  const names = (service: string) => chainsOf(views.ofEnvoyProxy(service)).map(({ name }) => name as string);
  assert.ok(names('front').includes('any-own-tls'));
  assert.not(names('books').some((name) => name.endsWith('own-tls')));
});

test('the key is asked of the agent in the pod, and callers are of the trust domain', () => {
  const { views } = viewsOf();
  const [chain] = chainsOf(views.ofEnvoyProxy('books'));
  const tls = chain!['transport_socket'].typed_config as { type_url: string; value: Buffer };
  const { common_tls_context: common }: Shown = show(tls.type_url.slice(tls.type_url.lastIndexOf('/') + 1), tls.value);
  assert.is(common.tls_params.ecdh_curves[0], 'X25519MLKEM768');
  const [config] = common.tls_certificate_sds_secret_configs as Shown[];
  assert.is(config!['sds_config'].api_config_source.grpc_services[0].envoy_grpc.cluster_name, 'sds-grpc');
  const { match_typed_subject_alt_names: names } = common.combined_validation_context.default_validation_context;
  assert.is(names[0].matcher.prefix, 'spiffe://mesh.test/');
});

test('no endpoint is ejected for good, retries go to another host, and no limit is set unasked', () => {
  const { views } = viewsOf();
  const cluster = shown(views.ofEnvoyProxy('front'), CDS, 'outbound|8000||books');
  assert.is(cluster['common_lb_config'].healthy_panic_threshold.value ?? 0, 0);
  assert.equal(cluster['circuit_breakers'].thresholds[0].retry_budget, {
    budget_percent: { value: 20 },
    min_retry_concurrency: { value: 3 },
  });
  const routes = textOf(views.ofEnvoyProxy('front'), RDS, 'outbound|8000');
  assert.match(routes, 'envoy.retry_host_predicates.previous_hosts');
  // The only replica of a zone would be asked again.
  assert.match(routes, 'envoy.retry_priorities.previous_priorities');
  assert.match(routes, '"per_request_buffer_limit_bytes":{"value":65536}');
});

test('a request that nobody took is made again, also where no retry is configured', () => {
  const { views } = viewsOf();
  const untouched = '"retry_on":"connect-failure,refused-stream,reset-before-request,retriable-headers"';
  assert.match(textOf(views.ofEnvoyProxy('front'), RDS, 'outbound|8000'), untouched);
  assert.not.match(textOf(views.of('front'), RDS, 'outbound|8000'), untouched);
});

test('an Envoy that retries finds the one good endpoint beside a dead one', () => {
  const { views } = viewsOf();
  const hosts = shown(views.ofEnvoyProxy('books'), RDS, 'outbound|8000')['virtual_hosts'] as Shown[];
  const [{ route }] = hosts.find(({ name }) => name === 'front:8000')!['routes'] as [Shown];
  // Of two endpoints LEAST_REQUEST takes the idle, dead one unless it draws the good one twice.
  const missed = 0.75 ** (1 + Number(route.retry_policy.host_selection_retry_max_attempts));
  assert.ok(missed < 1e-6, `a try goes to the dead endpoint again with ${missed}`);
});

test('an Envoy reports an application that took no connection, and its caller tries another', () => {
  const { views } = viewsOf();
  const view = views.ofEnvoyProxy('front');
  const [manager] = filtersOf(shown(view, LDS, 'inbound')).filter(({ type }) =>
    (type as string).endsWith('HttpConnectionManager'),
  );
  const [mapper] = manager!['local_reply_config'].mappers as Shown[];
  assert.equal(mapper!['filter'].response_flag_filter.flags, ['UF']);
  const { key } = mapper!['headers_to_add'][0].header;
  assert.is(key, 'mesh-unreached', 'as our proxy says it');
  const hosts = shown(views.ofEnvoyProxy('books'), RDS, 'outbound|8000')['virtual_hosts'] as Shown[];
  const host = hosts.find(({ name }) => name === 'front:8000')!;
  for (const { route } of host['routes'] as Shown[]) assert.is(route.retry_policy.retriable_headers[0].name, key);
  assert.equal(host['response_headers_to_remove'], [key]);
});

test('one that may be repeated is made again where it was lost, and no other', () => {
  const { views } = viewsOf();
  const hosts = shown(views.ofEnvoyProxy('books'), RDS, 'outbound|8000')['virtual_hosts'] as Shown[];
  const routes = hosts.find(({ name }) => name === 'front:8000')!['routes'] as Shown[];
  assert.equal(
    routes.map(({ match, route }) => [
      match.headers?.[0].string_match.safe_regex.regex,
      route.retry_policy.retry_on.split(',').includes('reset'),
    ]),
    [
      ['GET|HEAD|PUT|DELETE|OPTIONS|TRACE', true],
      [undefined, false],
    ],
  );
  // What the policy says of retries stands as it is.
  const main = (hosts.find(({ name }) => name === 'books:8000')!['routes'] as Shown[]).filter(
    ({ name }) => name === 'main',
  );
  assert.is(main.length, 1);
  assert.is(main[0]!['route'].retry_policy.retry_on, 'reset');
});

test('such retries have no limit in common, and a peer that acknowledges nothing is given up', () => {
  const { views } = viewsOf();
  const cluster = shown(views.ofEnvoyProxy('books'), CDS, 'outbound|8000||front');
  assert.equal(cluster['circuit_breakers'].thresholds, [{ max_retries: { value: 2 ** 32 - 1 } }]);
  const [option] = cluster['upstream_bind_config'].socket_options as Shown[];
  assert.is(cluster['upstream_connection_options'].tcp_keepalive.keepalive_time.value, 5);
  // IPPROTO_TCP, TCP_USER_TIMEOUT
  assert.equal([option!['level'], option!['name'], option!['int_value']], [6, 18, 5000]);
  assert.not('upstream_bind_config' in shown(views.of('books'), CDS, 'outbound|8000||front'));
});

test('spans go to the collector of the policy, from listeners of both directions', () => {
  const { views } = viewsOf('ALLOW_ANY', { endpoint: 'http://collect:4318/v1/traces', percent: 25 });
  const managers = (view: View, name: string): Shown[] =>
    filtersOf(shown(view, LDS, name)).filter(({ type }) => (type as string).endsWith('HttpConnectionManager'));
  const view = views.ofEnvoyProxy('books');
  for (const name of ['inbound', 'outbound|8000', 'outbound|7000'])
    for (const { tracing } of managers(view, name)) {
      assert.is(tracing.random_sampling.value, 25);
      const { type_url, value } = tracing.provider.typed_config as { type_url: string; value: Buffer };
      const { http_service: http }: Shown = show(type_url.slice(type_url.lastIndexOf('/') + 1), value);
      assert.is(http.http_uri.uri, 'http://collect:4318/v1/traces');
      const cluster = shown(view, CDS, http.http_uri.cluster as string);
      const { address } = cluster['load_assignment'].endpoints[0].lb_endpoints[0].endpoint;
      assert.equal(address.socket_address, { address: 'collect', port_value: 4318 });
    }
  assert.not(managers(views.of('books'), 'inbound').some((manager) => 'tracing' in manager));
  assert.is(views.of('books')[CDS].get('tracing'), undefined);
});

test('without a collector, or with one over https, Envoys have our listeners and send no spans', () => {
  for (const tracing of [undefined, { endpoint: 'https://collect/v1/traces', percent: 25 }]) {
    const { views } = viewsOf('ALLOW_ANY', tracing);
    const view = views.ofEnvoyProxy('books');
    assert.is(view[LDS].get('outbound|8000'), views.of('books')[LDS].get('outbound|8000'));
    assert.is(view[CDS].get('tracing'), undefined);
  }
});

test('what changes comes to Envoys that have asked, and what is gone goes', () => {
  const { views, publish } = viewsOf();
  assert.ok(views.ofEnvoyProxy('front')[RDS].get('outbound|8000'));
  publish({ books: { ports: [{ port: 9000, protocol: 'http' }] } });
  const view = views.ofEnvoyProxy('books');
  assert.ok(view[RDS].get('outbound|9000'));
  assert.is(view[RDS].get('outbound|8000'), undefined);
  assert.is(views.ofEnvoyProxy('front')[LDS].get('inbound'), undefined);
});

test.run();

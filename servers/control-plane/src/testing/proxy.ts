/** A proxy as the control plane sees it: the mesh proxy's own identity, registration and xDS client, without a data path. */
import { createLog, type Logger } from '#kit/telemetry/log.ts';
import { EnrolledIdentity } from '#mesh/identity/enrolled.ts';
import { Enrolment } from '#mesh/identity/enrolment.ts';
import { Registration } from '#mesh/identity/registration.ts';
import type { Configuration } from '#mesh/model/configuration.ts';
import { localityOf } from '#mesh/model/locality.ts';
import { ConfigurationRefused } from '#mesh/model/source.ts';
import { XdsSource } from '#mesh/xds/source.ts';
import { JOIN_TOKEN, type TestPlane } from './plane.ts';

export interface TestProxy {
  readonly identity: EnrolledIdentity;
  readonly registration: Registration;
  /** Each that was given to the data path and taken, in order. */
  readonly taken: Configuration[];
  readonly last: Configuration | undefined;
  /** What the data path refuses; absent: nothing. */
  refuse: ((configuration: Configuration) => string | undefined) | undefined;
  ready: boolean;
  close(): Promise<void>;
}

export interface ProxyOptions {
  readonly name?: string;
  readonly labels?: Record<string, string>;
  readonly token?: string;
  /** By which others may reach it, now. */
  readonly addresses?: () => readonly string[];
  readonly log?: Logger;
}

/** Start one against a control plane. */
export function startProxy(
  plane: Pick<TestPlane, 'ports' | 'roots'>,
  service: string,
  options: ProxyOptions = {},
): TestProxy {
  const { name = `${service}-1`, labels = {}, token = JOIN_TOKEN } = options;
  const log = options.log ?? createLog('proxy', process.env['TEST_LOG'] === undefined ? 'fatal' : 'debug');
  const enrolment = new Enrolment({
    host: 'localhost',
    port: plane.ports.enrolment,
    token,
    service,
    roots: async () => await Promise.resolve(plane.roots),
  });
  const identity = new EnrolledIdentity({ enrolment, service, log });
  const proxy = { refuse: undefined as TestProxy['refuse'], ready: true };
  const registration = new Registration({
    enrolment,
    claim: { service, name, labels, ports: [] },
    ready: () => proxy.ready,
    ...(options.addresses && { addresses: options.addresses }),
    log,
    look: 20,
  });
  const source = new XdsSource({
    host: 'localhost',
    port: plane.ports.mtls,
    node: { id: `${service}~${name}`, service, locality: localityOf(labels) },
    identity,
    log,
    onTrustBundle: (pem) => identity.trust(pem),
    onUntrusted: () => identity.renew(),
  });
  const taken: Configuration[] = [];
  source.start((configuration) => {
    const reason = proxy.refuse?.(configuration);
    if (reason !== undefined) throw new ConfigurationRefused(reason);
    taken.push(configuration);
  });
  return {
    identity,
    registration,
    taken,
    get last() {
      return taken.at(-1);
    },
    get refuse() {
      return proxy.refuse;
    },
    set refuse(check) {
      proxy.refuse = check;
    },
    get ready() {
      return proxy.ready;
    },
    set ready(now) {
      proxy.ready = now;
    },
    close: async () => {
      source.close();
      await registration.close();
      identity.close();
    },
  };
}

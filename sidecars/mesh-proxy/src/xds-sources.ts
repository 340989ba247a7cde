/** Configuration, identity and registration from a control plane. */
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { Logger } from '#kit/telemetry/log.ts';
import { ConfigurationError, type Values } from '#kit/contract/parameters.ts';
import type { contract } from './contract.ts';
import { OwnAddresses } from './destination/own.ts';
import { EnrolledIdentity } from '#mesh/identity/enrolled.ts';
import { Enrolment } from '#mesh/identity/enrolment.ts';
import { SavedState, type SavedKind } from './identity/saved-state.ts';
import { Registration } from '#mesh/identity/registration.ts';
import type { Identity } from '#mesh/model/identity.ts';
import { localityOf } from '#mesh/model/locality.ts';
import type { ConfigurationSource } from '#mesh/model/source.ts';
import { XdsSource } from '#mesh/xds/source.ts';

/** What a proxy is told, and who it is; from a control plane, or from files. */
export interface Sources {
  readonly source: ConfigurationSource;
  readonly identity: Identity;
  /**
   * Take this replica's place in the mesh; undefined where nobody keeps a register.
   * @param ready whether requests may come
   */
  readonly register?: (ready: () => Promise<boolean>) => Registration;
}

type Parameters = Values<typeof contract.parameters>;

/**
 * @param onDamaged counts kept files that cannot be used
 * @throws {ConfigurationError} when parameters are missing that go with MESH_CONTROL_PLANE
 */
export function openXdsSources(
  parameters: Parameters,
  log: Logger,
  host: string,
  onDamaged?: (kind: SavedKind) => void,
): Sources {
  const service = needed(parameters, 'MESH_SERVICE');
  const token = needed(parameters, 'MESH_JOIN_TOKEN');
  const name = parameters.MESH_REPLICA ?? hostname();
  const { MESH_ENROLMENT_PORT, MESH_XDS_PORT, MESH_ROOT_CERTIFICATE: root } = parameters;
  const roots = (): Promise<string> => readFile(root, 'utf8');
  const enrolment = new Enrolment({ host, port: MESH_ENROLMENT_PORT, token, service, roots });
  const labels = labelsOf(parameters);
  const kept = new SavedState(parameters.MESH_STATE_DIR, log, onDamaged);
  const identity = new EnrolledIdentity({ enrolment, service, log, kept: kept.credentials(service) });
  identity.onChange((credentials) => kept.keepCredentials(credentials));
  const source = new XdsSource({
    host,
    port: MESH_XDS_PORT,
    node: { id: `${service}~${name}`, service, locality: localityOf(labels) },
    identity,
    log,
    kept: kept.configuration(),
    onUsed: (configuration) => kept.keepConfiguration(configuration),
    onTrustBundle: (pem) => identity.trust(pem),
    onUntrusted: () => identity.renew(),
  });
  const own = new OwnAddresses();
  const claim = { service, name, labels, ports: portsOf(parameters) };
  return {
    identity,
    source,
    register: (ready) => new Registration({ enrolment, claim, ready, log, addresses: () => own.forOthers }),
  };
}

function needed(parameters: Parameters, name: 'MESH_SERVICE' | 'MESH_JOIN_TOKEN'): string {
  const value = parameters[name];
  if (value !== undefined) return value;
  const message = `${name} is not set; it is required with MESH_CONTROL_PLANE`;
  throw new ConfigurationError([{ parameter: name, reason: 'missing', message }]);
}

/** Of this replica, by name. */
export const labelsOf = ({ MESH_LABELS = [] }: Parameters): Record<string, string> =>
  Object.fromEntries(
    MESH_LABELS.map((label) => [label.slice(0, label.indexOf('=')), label.slice(label.indexOf('=') + 1)]),
  );

const portsOf = ({ MESH_PORTS = [] }: Parameters) =>
  MESH_PORTS.map((text) => {
    const [port, protocol] = text.split(':');
    return { port: Number(port), protocol: protocol! };
  });

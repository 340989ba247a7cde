/** Where the configuration and the identity come from, as the parameters say. */
import type { Logger } from '#kit/log.ts';
import { ConfigurationError, type Values } from '#kit/parameters.ts';
import type { contract } from './contract.ts';
import { openControlled } from './controlled.ts';
import type { Registration } from './identity/registration.ts';
import type { Identity } from './model/identity.ts';
import type { ConfigurationSource } from './model/source.ts';
import { FileIdentity } from './static/file-identity.ts';
import { FileSource } from './static/file-source.ts';

export interface Sources {
  readonly source: ConfigurationSource;
  readonly identity: Identity;
  /**
   * Take this replica's place in the mesh; undefined where nobody keeps a register.
   * @param ready whether requests may come
   */
  readonly register?: (ready: () => Promise<boolean>) => Registration;
}

/** @throws {ConfigurationError} when the parameters name no place */
export async function openSources(parameters: Values<typeof contract.parameters>, log: Logger): Promise<Sources> {
  const { MESH_CONTROL_PLANE: host } = parameters;
  if (host !== undefined) return openControlled(parameters, log, host);
  const { MESH_CONFIG: path, MESH_IDENTITY_DIR: directory } = parameters;
  if (path === undefined || directory === undefined)
    throw new ConfigurationError([
      {
        parameter: 'MESH_CONFIG',
        reason: 'missing',
        message:
          'MESH_CONTROL_PLANE is not set, nor are both MESH_CONFIG and MESH_IDENTITY_DIR; accepted are the host of a control plane, or a file with the configuration and a directory with the identity',
      },
    ]);
  const identity = new FileIdentity(directory, log);
  await identity.look();
  return { identity, source: new FileSource(path, log) };
}

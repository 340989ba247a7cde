/** Where the configuration and the identity come from, as the parameters say. */
import type { Logger } from '#kit/telemetry/log.ts';
import { ConfigurationError, type Values } from '#kit/contract/parameters.ts';
import type { contract } from './contract.ts';
import { openXdsSources, type Sources } from './xds-sources.ts';
import type { SavedKind } from './identity/saved-state.ts';
import { FileIdentity } from './static/file-identity.ts';
import { FileSource } from './static/file-source.ts';

/**
 * @param onDamaged counts kept files that cannot be used
 * @throws {ConfigurationError} when the parameters name no place
 */
export async function openSources(
  parameters: Values<typeof contract.parameters>,
  log: Logger,
  onDamaged: (kind: SavedKind) => void,
): Promise<Sources> {
  const { MESH_CONTROL_PLANE: host } = parameters;
  if (host !== undefined) return openXdsSources(parameters, log, host, onDamaged);
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

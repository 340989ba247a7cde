/** Where the configuration and the identity come from, as the parameters say. */
import type { Logger } from '#kit/log.ts';
import { ConfigurationError, type Values } from '#kit/parameters.ts';
import type { contract } from './contract.ts';
import type { Identity } from './model/identity.ts';
import type { ConfigurationSource } from './model/source.ts';
import { FileIdentity } from './static/file-identity.ts';
import { FileSource } from './static/file-source.ts';

export interface Sources {
  readonly source: ConfigurationSource;
  readonly identity: Identity;
}

/** @throws {ConfigurationError} when the parameters name no place */
export async function openSources(parameters: Values<typeof contract.parameters>, log: Logger): Promise<Sources> {
  const { MESH_CONFIG: path, MESH_IDENTITY_DIR: directory } = parameters;
  if (path === undefined || directory === undefined)
    throw new ConfigurationError([
      {
        parameter: 'MESH_CONFIG',
        reason: 'missing',
        message:
          'MESH_CONFIG and MESH_IDENTITY_DIR are not both set; accepted are a file with the configuration, and a directory with the identity',
      },
    ]);
  const identity = new FileIdentity(directory, log);
  await identity.look();
  return { identity, source: new FileSource(path, log) };
}

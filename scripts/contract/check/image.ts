/** The built image beside the declaration. */
import { docker, EngineError } from '../../lib/engine.ts';
import { compareJson } from './files.ts';
import type { Disagreement } from './disagreement.ts';
import { compareFacts, type ImageFacts } from './image-facts.ts';
import type { Sidecar } from '../sidecars.ts';

/** What of `docker image inspect` counts here. */
interface ImageConfig {
  readonly Env?: readonly string[] | null;
  readonly ExposedPorts?: Readonly<Record<string, unknown>> | null;
  readonly Labels?: Readonly<Record<string, string>> | null;
  readonly User?: string;
  /** `["CMD", …]`, `["CMD-SHELL", LINE]` or `["NONE"]`. */
  readonly Healthcheck?: { readonly Test?: readonly string[] | null } | null;
}

const INSPECT_TIMEOUT = 20_000;
const RUN_TIMEOUT = 60_000;

/** The tag under which the catalogue builds. */
export const imageOf = (name: string): string => `sidecar-stacks/${name}:${process.env['IMAGE_TAG'] || 'dev'}`;

/**
 * Compare the built image's configuration, and what it says of itself, with the declaration.
 * @param run also start the image with `--contract`
 */
export async function checkImage(sidecar: Sidecar, licence: string, run: boolean): Promise<Disagreement[]> {
  const image = imageOf(sidecar.name);
  const stack = /^stacks\/[^/]+/.exec(sidecar.path)?.[0];
  const repair = `docker compose ${stack ? `--project-directory ${stack} ` : ''}build ${sidecar.name}`;
  let config: ImageConfig;
  try {
    config = JSON.parse(
      await docker(['image', 'inspect', '--format', '{{json .Config}}', image], { timeoutMs: INSPECT_TIMEOUT }),
    ) as ImageConfig;
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return [{ where: image, declared: `an image of ${sidecar.name}`, there: error.message, repair, absent: true }];
  }
  const found = compareFacts(sidecar.contract, licence, factsOf(config, image), () => repair);
  if (!run) return found;
  try {
    const text = await docker(['run', '--rm', '--network=none', '--read-only', '--cap-drop=ALL', image, '--contract'], {
      timeoutMs: RUN_TIMEOUT,
    });
    return [...found, ...compareJson(sidecar, `${text}\n`, `${image} --contract`, repair)];
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return [...found, { where: `${image} --contract`, declared: 'an answer', there: error.message, repair }];
  }
}

/** The engine's view of an image as facts. */
export function factsOf(config: ImageConfig, image: string): ImageFacts {
  const split = (text: string): [string, string] => [
    text.slice(0, text.indexOf('=')),
    text.slice(text.indexOf('=') + 1),
  ];
  return {
    env: new Map((config.Env ?? []).map(split)),
    labels: new Map(Object.entries(config.Labels ?? {})),
    ports: new Set(Object.keys(config.ExposedPorts ?? {})),
    user: config.User ?? '',
    healthcheck: healthcheckOf(config.Healthcheck?.Test ?? []),
    where: () => image,
  };
}

function healthcheckOf([kind, ...argv]: readonly string[]): readonly string[] {
  if (kind === 'CMD') return argv;
  return kind === 'CMD-SHELL' ? ['/bin/sh', '-c', ...argv] : [];
}

/** A Dockerfile read as the contract of its image, and compose files and manifests read against it. */
import { suggestion } from '#kit/text/suggestion.ts';
import { basename as imageName, repository, type Facts } from '../identify/model/facts.ts';
import type { DockerfileFacts } from './dockerfile.ts';
import type { Finding } from './finding.ts';

const SECRET =
  /(^|_)(PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|CREDENTIALS?|SECRET_?KEY|SIGNING_?KEY|ENCRYPTION_?KEY)$/i;
/** Values that are no secret: where one is found, or nothing yet. */
const NO_SECRET = /^$|^\/|^\$|^(true|false|none|null|yes|no|0|1)$|^file:|^\{\{|^<.*>$/i;
const DURATION = /(^|_)(TIMEOUT|PERIOD|INTERVAL|DELAY|TTL|AGE|DURATION|FREQUENCY|BACKOFF|LIFETIME)$/i;
const PORT = /(^|_)PORT$/i;

const TITLE = 'org.opencontainers.image.title';
const VERSION = 'org.opencontainers.image.version';

/** Whether a variable of this name and value gives a secret away. */
export const givesSecretAway = (name: string, value: string): boolean =>
  SECRET.test(name) && !NO_SECRET.test(value.trim());

/**
 * @param facts of the Dockerfile
 * @param file its name
 */
export function lintDockerfile(facts: DockerfileFacts, file: string): Finding[] {
  const findings: Finding[] = [];
  const say = (level: Finding['level'], code: string, key: string | undefined, message: string): void => {
    findings.push({ level, code, file, line: facts.lineOf(key), message });
  };
  if (!facts.hasFrom)
    say('note', 'no-from', undefined, 'no FROM: a fragment; what it says is checked as if an image began here');
  for (const [name, value] of facts.env) {
    if (givesSecretAway(name, value))
      say(
        'error',
        'secret-in-env',
        name,
        `${name} has a secret in the image, for everybody who has the image: take it from a file (${name}_FILE)`,
      );
    if (DURATION.test(name) && /^\d*[1-9]\d*(\.\d+)?$/.test(value))
      say(
        'note',
        'duration-without-unit',
        name,
        `${name}=${value} has no unit: write 30s, or say the unit in the name`,
      );
    if (
      PORT.test(name) &&
      /^\d+$/.test(value) &&
      facts.hasFrom &&
      ![...facts.ports].some((port) => port.startsWith(`${value}/`)) &&
      listens(name)
    )
      say(
        'warning',
        'port-not-exposed',
        name,
        `${name}=${value} is not among EXPOSE (${[...facts.ports].join(', ') || 'none'})`,
      );
  }
  for (const [name, value] of facts.args)
    if (givesSecretAway(name, value) || (SECRET.test(name) && !facts.env.has(name)))
      say(
        'warning',
        'secret-in-arg',
        name,
        `a build argument ${name} stays in the image's history: use a build secret (RUN --mount=type=secret)`,
      );
  for (const { image, line } of facts.bases)
    if (!/[@$]/.test(image) && (!/:[^/]*$/.test(image) || image.endsWith(':latest')))
      findings.push({
        level: 'note',
        code: 'base-not-pinned',
        file,
        line,
        message: `FROM ${image} is another image tomorrow: name a version`,
      });
  if (facts.hasFrom && /^(|root|0)(:|$)/.test(facts.user))
    say('note', 'runs-as-root', undefined, 'no USER: it runs as root');
  if (facts.hasFrom && !facts.labels.has(VERSION))
    say('note', 'no-version', undefined, `no label ${VERSION}: a change of the contract cannot be told by its version`);
  for (const trigger of facts.onbuild)
    say(
      'note',
      'onbuild',
      undefined,
      `ONBUILD ${trigger.split(/\s/)[0]}: images built on this one get it; it is not part of this image`,
    );
  return findings;
}

/** `DB_PORT` is somebody else's port, `LISTEN_PORT` and `PORT` are this image's. */
const listens = (name: string): boolean =>
  /^(PORT|.*(LISTEN|HTTP|HTTPS|SERVER|ADMIN|METRICS|BIND|APP|WEB)_PORT)$/i.test(name);

/** A Dockerfile with the names under which images built of it go. */
export interface KnownImage {
  readonly facts: DockerfileFacts;
  readonly file: string;
  /** Names of images: the folder's, and the title label's. */
  readonly names: readonly string[];
  /** Absolute folder of the Dockerfile. */
  readonly folder: string;
  /** Variables that something beside the Dockerfile declares, such as a sidecar's contract.json. */
  readonly declared: readonly string[];
}

/** Variables of the operating system, of runtimes and of tools, which any image may be given. */
const COMMON =
  /^(HOME|PATH|TZ|LANG|LANGUAGE|LC_\w+|TERM|USER|TMPDIR|DEBUG|PUID|PGID|UMASK|CI|(HTTP|HTTPS|NO|ALL)_PROXY|(http|https|no|all)_proxy|NODE_\w+|NPM_\w+|npm_\w+|JAVA_\w+|JVM_\w+|PYTHON\w+|GO\w+|GIT_\w+|SSL_CERT_\w+|OTEL_\w+|AWS_\w+|COMPOSE_\w+)$/;

/**
 * A container of a compose file or a manifest against the image that it runs.
 * @param image undefined when its Dockerfile is not known
 */
export function lintContainer(container: Facts, image: KnownImage | undefined): Finding[] {
  return [...portsNotExposed(container, image), ...lintEnvironment(container, image)];
}

/** Ports that the container gives to others, and that an image which exposes some does not. */
function portsNotExposed({ name, at, ports }: Facts, image: KnownImage | undefined): Finding[] {
  const exposed = [...(image?.facts.ports ?? [])].map((port) => Number.parseInt(port, 10));
  if (!image || exposed.length === 0 || exposed.some(Number.isNaN)) return [];
  return ports
    .filter((port) => !exposed.includes(port))
    .map((port) => ({
      level: 'warning',
      code: 'port-not-exposed',
      ...at,
      message: `${name} publishes port ${port}, which ${image.file} does not EXPOSE: it exposes ${exposed.join(', ')}`,
    }));
}

function lintEnvironment(container: Facts, image: KnownImage | undefined): Finding[] {
  return [...container.env].flatMap(([name, said]) => {
    const findings: Finding[] = [];
    if (givesSecretAway(name, said.text))
      findings.push({
        level: 'error',
        code: 'secret-in-env',
        ...said.at,
        message: `${name} of ${container.name} is a secret in plain text: use a secret and ${name}_FILE, or a variable`,
      });
    const declared = image && [...image.facts.env.keys(), ...image.facts.args.keys(), ...image.declared];
    if (
      declared &&
      image.facts.env.size + image.declared.length > 0 &&
      !COMMON.test(name) &&
      !declared.includes(name) &&
      !declared.includes(name.replace(/_FILE$/, ''))
    )
      findings.push({
        level: 'warning',
        code: 'undeclared-variable',
        ...said.at,
        message: `${container.name} is given ${name}, which ${image.file} does not declare${suggestion(name, declared)}`,
      });
    return findings;
  });
}

/** The Dockerfile that a container's image is built of, by build context or by name. */
export function imageOf(
  container: Facts,
  known: readonly KnownImage[],
  context: string | undefined,
): KnownImage | undefined {
  if (context !== undefined) return known.find(({ folder }) => folder === context);
  if (!container.image) return undefined;
  const name = imageName(container.image.text);
  const whole = repository(container.image.text);
  return known.find(({ names }) => names.includes(whole)) ?? known.find(({ names }) => names.includes(name));
}

export const titleOf = (facts: DockerfileFacts): string | undefined => facts.labels.get(TITLE);
export const versionOf = (facts: DockerfileFacts): string | undefined => facts.labels.get(VERSION);

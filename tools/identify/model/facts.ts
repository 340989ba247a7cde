/** What is known of one container, whether compose or Kubernetes describes it: all that a judgement may rest on. */
import type { Place } from '../../yaml/tree.ts';

/** A text with the line it stands on. */
export interface LocatedText {
  readonly text: string;
  readonly at: Place;
}

export interface Mount {
  /** The volume's name, or a host path as written; undefined for an anonymous volume. */
  readonly source: string | undefined;
  /** `volume` may be shared; `bind` is a path of the host; `file` is configuration or a secret put there by the platform. */
  readonly kind: 'volume' | 'bind' | 'file';
  readonly target: string;
  readonly readOnly: boolean;
  readonly at: Place;
}

export interface Facts {
  readonly name: string;
  readonly at: Place;
  /** The image as written; undefined where one is built or left to a tool. */
  readonly image: LocatedText | undefined;
  /** Entrypoint, command and arguments, joined by blanks; multi-line scripts as they are. */
  readonly command: LocatedText | undefined;
  /** Each word of the above with its own line. */
  readonly words: readonly LocatedText[];
  readonly env: ReadonlyMap<string, LocatedText>;
  readonly mounts: readonly Mount[];
  /** Ports that it says it listens on, in the container. */
  readonly ports: readonly number[];
  /** Their names, where they have one. */
  readonly portNames: readonly LocatedText[];
  /** Its build context, where it is built. */
  readonly build: string | undefined;
  /** Content of configuration that the same files mount into it. */
  readonly configuration: readonly LocatedText[];
  readonly labels: ReadonlyMap<string, LocatedText>;
  /** Capabilities that it adds. */
  readonly capabilities: readonly string[];
  readonly devices: readonly string[];
  readonly privileged: Place | undefined;
  /** It runs before the others and ends. */
  readonly runsFirst: boolean;
  /** An init container that goes on beside the others (`restartPolicy: Always`). */
  readonly native: boolean;
}

/**
 * An image without registry, tag and digest: `quay.io/oauth2-proxy/oauth2-proxy:v7` is
 * `oauth2-proxy/oauth2-proxy`. Variables that nobody set keep their text.
 */
export function repository(image: string): string {
  const bare = image
    .trim()
    .toLowerCase()
    .replace(/\$\{[^}:]*:?-([^}]*)\}/g, '$1')
    .replace(/@sha256:.*$/, '')
    .replace(/:[^/:]*$/, '');
  const [first, ...rest] = bare.split('/');
  return rest.length > 0 && /[.:]|^localhost$/.test(first!) ? rest.join('/') : bare;
}

/** The last part of an image's repository: `oauth2-proxy`. */
export const basename = (image: string): string => repository(image).split('/').at(-1) ?? '';

/** Local addresses that a container's words, environment and configuration name, with their port. */
export interface LocalTarget {
  readonly port: number | undefined;
  readonly said: LocatedText;
}

const LOCAL = /(?<![\w.-])(?:localhost|127\.0\.0\.1|\[::1\])(?::(\d{1,5}))?(?![\w.-]*\.\w)/g;

/** Addresses of the loopback interface that this container is told to speak to. */
export function localTargets(facts: Facts): LocalTarget[] {
  const said = [...facts.words, ...facts.env.values(), ...facts.configuration];
  return said.flatMap((each) =>
    [...each.text.slice(0, 20_000).matchAll(LOCAL)].map((match) => ({
      port: match[1] === undefined ? undefined : Number(match[1]),
      said: each,
    })),
  );
}

/** A path of the socket through which a container engine is told what to do. */
export const ENGINE_SOCKET = /(docker|podman|containerd|crio)(-cli)?\.sock$/;

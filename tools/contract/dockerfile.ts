/** What a Dockerfile says about its image's configuration. */
import {
  DockerfileParser,
  type Dockerfile,
  type Instruction,
  type ModifiableInstruction,
  type PropertyInstruction,
} from 'dockerfile-ast';

/** An image's configuration, as far as its Dockerfile says it. */
export interface DockerfileFacts {
  readonly env: ReadonlyMap<string, string>;
  /** Build arguments with their defaults; '' for none. */
  readonly args: ReadonlyMap<string, string>;
  readonly labels: ReadonlyMap<string, string>;
  /** `8443/tcp`. */
  readonly ports: ReadonlySet<string>;
  readonly volumes: ReadonlySet<string>;
  readonly user: string;
  /** What the health check runs; empty when there is none. */
  readonly healthcheck: readonly string[];
  /** How often and how long, as written: `interval`, `timeout`, `start-period`, `start-interval`, `retries`. */
  readonly healthcheckOptions: Readonly<Record<string, string>>;
  /** '' for the engine's SIGTERM. */
  readonly stopSignal: string;
  /** Instructions that images built on this one will run. */
  readonly onbuild: readonly string[];
  /** False for a fragment, such as a text about Dockerfiles prints. */
  readonly hasFrom: boolean;
  /** Images from elsewhere that stages are built from, as written, with their line from 1. */
  readonly bases: readonly { readonly image: string; readonly line: number }[];
  /** File (and line, where known) of an ENV, ARG, LABEL, port or volume, or of the whole. */
  readonly where: (key?: string) => string;
  /** Line from 1 of the same; 1 for the whole. */
  readonly lineOf: (key?: string) => number;
  /** The comment right above it, as one line; '' where there is none. */
  readonly commentOf: (key: string) => string;
}

/** The Dockerfile has no stage of the name that was asked for. */
export class NoStage extends Error {}

interface Stage {
  readonly name: string | undefined;
  readonly image: string | undefined;
  readonly instructions: Instruction[];
}

/** @param line from 0 */
function commentAbove(text: string, line: number | undefined): string {
  if (line === undefined) return '';
  const above = text.split('\n').slice(0, line);
  const from = above.findLastIndex((each) => !/^\s*#/.test(each)) + 1;
  return above
    .slice(from)
    .map((each) => each.replace(/^\s*#+\s?/, '').trim())
    .filter((each) => each !== '')
    .join(' ');
}

/**
 * Read what a Dockerfile's last stage, or the one asked for, and the stages that it is built from say of
 * the image; what a base image from elsewhere sets is not known. Variables stand for the values that
 * their ARG or ENV gives them.
 * @param text the file
 * @param file its name, for messages
 * @param target the stage, as with `docker build --target`
 * @throws {NoStage} when there is no such stage
 */
export function readDockerfile(text: string, file: string, target?: string): DockerfileFacts {
  const dockerfile = DockerfileParser.parse(text);
  const stages = stagesOf(dockerfile);
  const last = target === undefined ? stages.length - 1 : stages.findIndex(({ name }) => name === target.toLowerCase());
  if (target !== undefined && last === -1) throw new NoStage(`${file} has no stage ${target}`);
  const facts = {
    env: new Map<string, string>(),
    args: new Map<string, string>(),
    labels: new Map<string, string>(),
    ports: new Set<string>(),
    volumes: new Set<string>(),
    onbuild: [] as string[],
  };
  const lines = new Map<string, number>();
  let user = '';
  let stopSignal = '';
  let healthcheck: readonly string[] = [];
  let healthcheckOptions: Readonly<Record<string, string>> = {};
  for (const instruction of effective(stages.slice(0, last + 1))) {
    const line = instruction.getRange().start.line;
    // ENV hides ARG, and an instruction sees the values from before it.
    const before = new Map(facts.env);
    const valueOf = (name: string): string | null | undefined =>
      before.get(name) ?? dockerfile.resolveVariable(name, line);
    const expand = (value: string): string =>
      value.replace(
        /\$(?:\{(\w+)\}|(\w+))/g,
        (whole, braced?: string, bare?: string) => valueOf((braced ?? bare)!) ?? whole,
      );
    switch (instruction.getKeyword()) {
      case 'ENV':
        setAll(instruction, facts.env, lines, expand);
        break;
      case 'LABEL':
        setAll(instruction, facts.labels, lines, expand);
        break;
      case 'EXPOSE':
        for (const argument of instruction.getArguments())
          for (const port of portsOf(expand(argument.getValue()))) {
            facts.ports.add(port);
            lines.set(port, line);
          }
        break;
      case 'ARG': {
        const [, name, value = ''] = /^(\w+)(?:=(.*))?$/s.exec(instruction.getArgumentsContent()?.trim() ?? '') ?? [];
        if (name !== undefined) {
          facts.args.set(name, value.replaceAll(/^["']|["']$/g, ''));
          if (!lines.has(name)) lines.set(name, line);
        }
        break;
      }
      case 'VOLUME':
        for (const path of pathsOf(expand(instruction.getArgumentsContent() ?? ''))) {
          facts.volumes.add(path);
          lines.set(path, line);
        }
        break;
      case 'STOPSIGNAL':
        stopSignal = expand(instruction.getArgumentsContent() ?? '').trim();
        break;
      case 'ONBUILD':
        facts.onbuild.push(instruction.getArgumentsContent() ?? '');
        break;
      case 'USER':
        user = expand(instruction.getArgumentsContent() ?? '');
        break;
      case 'HEALTHCHECK':
        healthcheck = commandOf(instruction.getRawArgumentsContent() ?? '');
        healthcheckOptions = Object.fromEntries(
          (instruction as ModifiableInstruction).getFlags().map((flag) => [flag.getName(), flag.getValue() ?? '']),
        );
        break;
      default:
    }
  }
  return {
    ...facts,
    user,
    healthcheck,
    healthcheckOptions,
    stopSignal,
    hasFrom: dockerfile.getFROMs().length > 0,
    bases: basesOf(dockerfile, stages),
    where: (key) => (lines.has(key ?? '') ? `${file}:${lines.get(key!)! + 1}` : file),
    commentOf: (key) => commentAbove(text, lines.get(key)),
    lineOf: (key) => (lines.get(key ?? '') ?? 0) + 1,
  };
}

function basesOf(dockerfile: Dockerfile, stages: readonly Stage[]): { image: string; line: number }[] {
  return dockerfile.getFROMs().flatMap((from) => {
    const image = from.getImage();
    if (image === null || image === 'scratch' || stages.some(({ name }) => name === image.toLowerCase())) return [];
    return [{ image, line: from.getRange().start.line + 1 }];
  });
}

/** `["/a", "/b"]` or `/a /b`. */
function pathsOf(content: string): string[] {
  try {
    const list: unknown = JSON.parse(content);
    if (Array.isArray(list)) return list.map(String);
  } catch {
    // The other form: words.
  }
  return content.split(/\s+/).filter((word) => word !== '');
}

/** `--interval=10s CMD ["a", "b"]` as `a`, `b`; `CMD a b` as a shell runs it; nothing for NONE. */
function commandOf(content: string): string[] {
  const command = /(?:^|\s)CMD\s+(.*)$/is.exec(content.replace(/\\\r?\n/g, ' '))?.[1]?.trim();
  if (command === undefined) return [];
  try {
    const argv: unknown = JSON.parse(command);
    if (Array.isArray(argv)) return argv.map(String);
  } catch {
    // The other form: a line for the shell.
  }
  return ['/bin/sh', '-c', command];
}

function setAll(
  instruction: Instruction,
  target: Map<string, string>,
  lines: Map<string, number>,
  expand: (value: string) => string,
): void {
  for (const property of (instruction as PropertyInstruction).getProperties()) {
    const value = property.getValue() ?? '';
    // Within single quotes a dollar sign is a dollar sign.
    target.set(property.getName(), property.getUnescapedValue()?.startsWith("'") ? value : expand(value));
    lines.set(property.getName(), property.getRange().start.line);
  }
}

/** `8443` → `8443/tcp`; `90-92/udp` → each of them. */
function portsOf(text: string): string[] {
  const [, first, last, protocol] = /^(\d+)(?:-(\d+))?(?:\/(\w+))?$/.exec(text) ?? [];
  if (first === undefined) return [text];
  const count = Math.min(Math.max(Number(last ?? first) - Number(first), 0), 65_535) + 1;
  return Array.from({ length: count }, (_, index) => `${Number(first) + index}/${(protocol ?? 'tcp').toLowerCase()}`);
}

function stagesOf(dockerfile: Dockerfile): Stage[] {
  const stages: Stage[] = [];
  // A fragment: what it says is said of an image all the same.
  if (dockerfile.getFROMs().length === 0)
    return [{ name: undefined, image: undefined, instructions: [...dockerfile.getInstructions()] }];
  const froms = new Map(dockerfile.getFROMs().map((from) => [from.getRange().start.line, from]));
  for (const instruction of dockerfile.getInstructions()) {
    const from = froms.get(instruction.getRange().start.line);
    if (from)
      stages.push({
        name: from.getBuildStage()?.toLowerCase(),
        image: from.getImage()?.toLowerCase(),
        instructions: [],
      });
    else stages.at(-1)?.instructions.push(instruction);
  }
  return stages;
}

/** The instructions of the last stage, after those of the stages that it stands on. */
function effective(stages: readonly Stage[]): Instruction[] {
  const last = stages.at(-1);
  if (!last) return [];
  const earlier = stages.slice(0, -1);
  const base = earlier.findLastIndex((stage) => stage.name !== undefined && stage.name === last.image);
  return [...(base < 0 ? [] : effective(earlier.slice(0, base + 1))), ...last.instructions];
}

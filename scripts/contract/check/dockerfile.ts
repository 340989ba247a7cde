/** What a Dockerfile says about its image's configuration. */
import { DockerfileParser, type Dockerfile, type Instruction, type PropertyInstruction } from 'dockerfile-ast';
import type { ImageFacts } from './image-facts.ts';

interface Stage {
  readonly name: string | undefined;
  readonly image: string | undefined;
  readonly instructions: Instruction[];
}

/**
 * Read ENV, EXPOSE, LABEL, USER and HEALTHCHECK of a Dockerfile's last stage and of the stages that it is built
 * from; what a base image from elsewhere sets is not known. Variables stand for the values that
 * their ARG or ENV gives them.
 * @param text the file
 * @param file its name, for messages
 */
export function readDockerfile(text: string, file: string): ImageFacts {
  const dockerfile = DockerfileParser.parse(text);
  const facts = {
    env: new Map<string, string>(),
    labels: new Map<string, string>(),
    ports: new Set<string>(),
    lines: new Map<string, number>(),
  };
  let user = '';
  let healthcheck: readonly string[] = [];
  for (const instruction of effective(stagesOf(dockerfile))) {
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
        setAll(instruction, facts.env, facts.lines, expand);
        break;
      case 'LABEL':
        setAll(instruction, facts.labels, facts.lines, expand);
        break;
      case 'EXPOSE':
        for (const argument of instruction.getArguments())
          for (const port of portsOf(expand(argument.getValue()))) facts.ports.add(port);
        break;
      case 'USER':
        user = expand(instruction.getArgumentsContent() ?? '');
        break;
      case 'HEALTHCHECK':
        healthcheck = commandOf(instruction.getRawArgumentsContent() ?? '');
        break;
      default:
    }
  }
  return {
    ...facts,
    user,
    healthcheck,
    where: (key) => (facts.lines.has(key ?? '') ? `${file}:${facts.lines.get(key!)! + 1}` : file),
  };
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

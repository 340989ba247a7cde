/**
 * A README's example on free ports of this machine. Examples show readable ports, which a demo, another clone or a
 * web server of the user's may hold.
 */
import { isMap, isScalar, parseDocument, visit } from 'yaml';
import { freePorts } from '#kit/testing/ports.ts';
import type { Command } from './readme-blocks.ts';

export interface Example {
  readonly compose: string;
  readonly commands: readonly Command[];
}

/** Published on this machine, in compose's short form: address, port here, and the rest. */
const PUBLISHED = /^((?:127\.0\.0\.1:)?)(\d+)(:\d+(?:\/\w+)?)$/;

/**
 * Replace each published port by a free one, where it is published and where the engine or a command asks for it.
 * A port inside a container stays, also where it has the same number.
 */
export async function onFreePorts({ compose, commands }: Example): Promise<Example> {
  const document = parseDocument(compose);
  const found: { from: string; put: (port: number) => void }[] = [];
  visit(document, {
    Pair(_, { key, value }) {
      if (!isScalar(key)) return;
      if (key.value === 'ports' && value !== null)
        visit(value as never, {
          Scalar(__, item) {
            const [, address, from, inside] = PUBLISHED.exec(String(item.value)) ?? [];
            if (from !== undefined) found.push({ from, put: (port) => (item.value = `${address}${port}${inside}`) });
          },
        });
      // The engine's log driver runs on this machine.
      if (key.value === 'fluentd-address' && isScalar(value)) {
        const [, host, from] = /^(.*:)(\d+)$/.exec(String(value.value)) ?? [];
        if (from !== undefined) found.push({ from, put: (port) => (value.value = `${host}${port}`) });
      }
    },
  });
  if (!isMap(document.contents) || found.length === 0) return { compose, commands };
  const wanted = [...new Set(found.map(({ from }) => from))];
  const free = await freePorts(wanted.length);
  const port = new Map(wanted.map((from, at) => [from, free[at]!]));
  for (const { from, put } of found) put(port.get(from)!);
  const moved = (text: string): string =>
    text.replace(/\b(localhost|127\.0\.0\.1):(\d+)\b/g, (whole, host: string, from: string) =>
      port.has(from) ? `${host}:${port.get(from)}` : whole,
    );
  return {
    compose: document.toString({ lineWidth: 0 }),
    commands: commands.map(({ text, expected, ...rest }) => ({
      ...rest,
      text: moved(text),
      expected: expected === undefined ? expected : moved(expected),
    })),
  };
}

/** Commands over the standard input, a line each, and their outcomes over the standard output: one process for many. */
import { createInterface } from 'node:readline';
import { stopLoad } from './load.ts';

/** A line of the standard input. */
export interface Order {
  readonly id: number;
  readonly command: string;
  readonly argument: string;
}

/** A line of the standard output. */
export type Reply = { readonly id: number } & ({ readonly outcome: unknown } | { readonly error: string });

/**
 * Carry out what comes, each as soon as it comes, until the input ends.
 * @param commands by name: what the program does for a command and its argument
 */
export async function serveSession(commands: Readonly<Record<string, (argument: string) => unknown>>): Promise<void> {
  const reply = (line: Reply): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
  for await (const line of createInterface({ input: process.stdin })) {
    const { id, command, argument } = JSON.parse(line) as Order;
    const carryOut = command === 'stop' ? stopLoad : commands[command];
    void (async () => {
      if (!carryOut) throw new Error(`no command ${command}`);
      return carryOut(argument);
    })().then(
      (outcome) => reply({ id, outcome: outcome ?? null }),
      (error: unknown) => reply({ id, error: String(error) }),
    );
  }
}

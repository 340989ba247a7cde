/** The README's examples for CI say what exists. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import { main } from './main.ts';

const test = suite('README of the package');
const text = readFileSync(join(import.meta.dirname, 'README.md'), 'utf8');
const blocks = [...text.matchAll(/^```yaml\n# (\S+)\n([\s\S]*?)^```$/gm)].map(
  ([, file, body]) => [file!, parse(body!) as unknown] as const,
);

interface Step {
  uses?: string;
  run?: string;
}

function commandsOf(file: string, document: unknown): string[] {
  if (file.startsWith('.github/')) {
    const { on, jobs } = document as { on: unknown; jobs: Record<string, { 'runs-on': string; steps: Step[] }> };
    assert.ok(on, 'a workflow says when it runs');
    return Object.values(jobs).flatMap(({ 'runs-on': machine, steps }) => {
      assert.type(machine, 'string');
      for (const step of steps) {
        assert.is([step.uses, step.run].filter((each) => each !== undefined).length, 1);
        if (step.uses) assert.match(step.uses, /^[\w-]+\/[\w-]+@v\d+$/);
      }
      return steps.flatMap(({ run }) => run ?? []);
    });
  }
  return Object.values(
    document as Record<
      string,
      { script: string[]; before_script?: string[]; artifacts?: { reports?: { junit?: string } } }
    >,
  ).flatMap(({ script, before_script: before = [] }) => {
    assert.ok(Array.isArray(script));
    return [...before, ...script];
  });
}

test('has an example for GitHub and one for GitLab', () => {
  assert.equal(
    blocks.map(([file]) => file),
    ['.github/workflows/stacks.yml', '.gitlab-ci.yml'],
  );
});

for (const [file, document] of blocks)
  test(`${file} calls commands and options that exist`, async () => {
    const ours = commandsOf(file, document).filter((line) => line.startsWith('npx sidecar-stacks '));
    assert.ok(ours.length >= 2);
    for (const line of ours) {
      const [command, ...args] = line.split(' ').slice(2);
      let help = '';
      await main([command!, '--help'], {
        folder: '.',
        environment: {},
        out: (part) => void (help += part),
        err: () => {},
      });
      for (const option of args.filter((arg) => arg.startsWith('--')))
        assert.ok(help.includes(option), `${command} ${option}`);
      if (command === 'contract') assert.match(help, new RegExp(`contract ${args[0]} `));
    }
    assert.match(JSON.stringify(document), /junit/);
  });

test('names every warning, role of the command line and method of the library that there is', () => {
  const source = (file: string): string => readFileSync(join(import.meta.dirname, file), 'utf8');
  const codes = /export type WarningCode =([^;]*);/.exec(source('identify/model/answer.ts'))![1]!;
  for (const [, code] of codes.matchAll(/'([\w-]+)'/g)) assert.ok(text.includes(`\`${code}\``), code);
  const stack = /export interface Stack [^{]*\{([\s\S]*?)^\}/m.exec(source('testing/stack.ts'))![1]!;
  for (const [, method] of stack.matchAll(/^ {2}(\w+)[<(]/gm)) assert.ok(text.includes(`\`${method}\``), method);
});

test.run();

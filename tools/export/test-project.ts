/** A compose project of a test, in a folder of its own, and what it is exported as. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { parseAllDocuments } from 'yaml';
import { exportProject, type Exported } from './export.ts';
import type { ExportOptions } from './options.ts';

export interface TestExport extends Exported {
  readonly folder: string;
  /** Objects of the base, by kind and name. */
  readonly objects: ReadonlyMap<string, Manifest>;
  /** The pod template of a workload. */
  readonly pod: (name: string) => PodSpec;
  /** Codes of what was refused, and of what was noted. */
  readonly refused: readonly string[];
  readonly noted: readonly string[];
}

export type Manifest = Record<string, any>;
export type PodSpec = Manifest;

/** @param files by path; `compose.yaml` is the project */
export function exported(files: Readonly<Record<string, string>>, options: Partial<ExportOptions> = {}): TestExport {
  const folder = temporaryDirectory('export');
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const result = exportProject(['compose.yaml'], {
    base: folder,
    environment: {},
    style: 'native',
    bare: false,
    ...options,
  });
  const objects = new Map(
    result.files
      .filter(({ path }) => path.startsWith('base/') && !path.endsWith('kustomization.yaml'))
      .flatMap(({ text }) => parseAllDocuments(text).map((document) => document.toJS() as Manifest))
      .map((object) => [`${object['kind']} ${object['metadata'].name}`, object]),
  );
  const codes = (level: string): string[] =>
    result.findings.filter((each) => each.level === level).map(({ code }) => code);
  return {
    ...result,
    folder,
    objects,
    pod(name) {
      const found = [...objects.values()].find(
        (each) => each['metadata'].name === name && (each['spec']?.template ?? each['spec']?.containers),
      );
      if (!found) throw new Error(`no workload ${name} among ${[...objects.keys()].join(', ')}`);
      return found['spec'].template?.spec ?? found['spec'];
    },
    refused: codes('refused'),
    noted: codes('warning'),
  };
}

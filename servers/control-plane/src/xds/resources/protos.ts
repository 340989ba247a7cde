/**
 * The xDS messages, from the .proto files that @grpc/grpc-js-xds brings with it. Its generated types say
 * what a message may hold, these files how it is written.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import protobuf from 'protobufjs';

/** Folders of the package that an import may be relative to. */
const FOLDERS = ['envoy-api', 'xds', 'googleapis', 'protoc-gen-validate'];
/** They declare only options of fields, which no encoder needs. */
const OPTIONS =
  /^(?:validate\/|udpa\/annotations\/|xds\/annotations\/|envoy\/annotations\/|google\/(?:api\/(?:annotations|http)\.|protobuf\/descriptor\.))/;

/**
 * Read .proto files with all that they import.
 * @param files relative to one of the package's folders, as imports name them
 * @throws when a file is missing or holds a mistake
 */
export function loadProtos(files: readonly string[]): protobuf.Root {
  const home = dirname(fileURLToPath(import.meta.resolve('@grpc/grpc-js-xds/package.json')));
  const dependencies = join(home, 'deps');
  const root = new protobuf.Root();
  const waiting = [...files];
  const read = new Set<string>();
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (read.has(file) || OPTIONS.test(file)) continue;
    read.add(file);
    const common = protobuf.common.get(file);
    if (common?.nested) {
      root.addJSON(common.nested);
      continue;
    }
    const { imports = [] } = protobuf.parse(textOf(file, dependencies), root, { keepCase: true });
    waiting.push(...imports);
  }
  root.resolveAll();
  return root;
}

function textOf(file: string, dependencies: string): string {
  const path = FOLDERS.map((folder) => join(dependencies, folder, file)).find((each) => existsSync(each));
  if (path === undefined) throw new Error(`${file} is in none of ${FOLDERS.join(', ')} of @grpc/grpc-js-xds`);
  return readFileSync(path, 'utf8');
}

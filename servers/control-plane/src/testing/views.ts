/** Views of a few resources, whose content is their hash. */
import { ORDER, ResourceSet, type Resource, type TypeUrl, type View } from '../xds/resources/types.ts';

/** Hashes by name, by type. */
export type Hashes = Partial<Record<TypeUrl, Readonly<Record<string, string>>>>;

const resource = (type: TypeUrl, name: string, hash: string): Resource => ({
  name,
  hash,
  any: { type_url: type, value: Buffer.from(hash) },
  wildcard: !name.startsWith('only-'),
});

/** What a client may see; names that begin with `only-` are sent by their names alone. */
export const view = (of: Hashes): View =>
  Object.fromEntries(
    ORDER.map((type) => [
      type,
      new ResourceSet(Object.entries(of[type] ?? {}).map(([name, hash]) => resource(type, name, hash))),
    ]),
  ) as unknown as View;

/** YAML 1.2, one document or several. */
import {
  CORE_SCHEMA,
  defineMappingTag,
  defineScalarTag,
  defineSequenceTag,
  loadAll,
  realMapTag,
  YAMLException,
  type TagDefinition,
} from 'js-yaml';
import { DEPTH_MAX } from '#kit/text/structure.ts';
import { Invalid } from '../documents/invalid.ts';

/** Tags that only the application knows: `!vault` and the like, and types of its language. */
const UNKNOWN: TagDefinition[] = ['!', 'tag:'].flatMap((prefix) => [
  defineScalarTag(prefix, { matchByTagPrefix: true, resolve: (text) => text, identify: () => false }),
  defineSequenceTag<unknown[]>(prefix, {
    matchByTagPrefix: true,
    create: () => [],
    addItem: (list, item) => void list.push(item),
    identify: () => false,
  }),
  defineMappingTag<Map<unknown, unknown>>(prefix, {
    matchByTagPrefix: true,
    create: () => new Map(),
    addPair: (map, key, value) => {
      map.set(key, value);
      return '';
    },
    has: (map, key) => map.has(key),
    keys: (map) => map.keys(),
    get: (map, key) => map.get(key),
    identify: () => false,
  }),
]);

// Maps as maps: their keys may be anything, and none of them means something to JavaScript.
const schema = CORE_SCHEMA.withTags(realMapTag, ...UNKNOWN);

/**
 * Parse a YAML stream.
 * @returns the content of each of its documents; a mapping is a Map
 * @throws {Invalid} with the place of the first mistake
 */
export function parseYaml(text: string): unknown[] {
  try {
    return loadAll(text, { schema, maxDepth: DEPTH_MAX });
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    const { reason, mark } = error;
    const where = mark ? ` at line ${mark.line + 1}, column ${mark.column + 1}` : '';
    // What is between quotes or after a colon is the document's.
    const what = reason.replaceAll(/ ?("[^"]*"|!<[^>]*>|: .*)/gs, '');
    throw new Invalid(`not YAML${where}: ${what}`);
  }
}

/** Views that lie over others which many clients share. */
import { sameItems } from './drafts.ts';
import {
  CDS,
  EDS,
  LDS,
  ORDER,
  RDS,
  ResourceSet,
  SDS,
  type Resource,
  type TypeUrl,
  type View,
} from './resources/types.ts';

export const NONE = new ResourceSet([]);
export const EMPTY: View = { [CDS]: NONE, [EDS]: NONE, [LDS]: NONE, [RDS]: NONE, [SDS]: NONE };

/** A view, and what it was made of. Never changed once made. */
export class Layer {
  readonly view: View;
  readonly #resources: ReadonlyMap<TypeUrl, readonly Resource[]>;
  readonly #base: View;

  constructor(view = EMPTY, resources: ReadonlyMap<TypeUrl, readonly Resource[]> = new Map(), base = EMPTY) {
    this.view = view;
    this.#resources = resources;
    this.#base = base;
  }

  /** The one that follows: its view is the same object, part by part, where the content is the same. */
  next(resources: readonly Resource[], base: View = EMPTY): Layer {
    const byType = Map.groupBy(resources, ({ any }) => any.type_url as TypeUrl);
    const parts = ORDER.map((type): [TypeUrl, ResourceSet] => {
      const own = byType.get(type) ?? [];
      const same = base[type] === this.#base[type] && sameItems(own, this.#resources.get(type) ?? []);
      if (same) return [type, this.view[type]];
      return [type, own.length === 0 ? base[type] : new ResourceSet(own, base[type])];
    });
    const other = parts.some(([type, set]) => this.view[type] !== set);
    return new Layer(other ? (Object.fromEntries(parts) as unknown as View) : this.view, byType, base);
  }
}

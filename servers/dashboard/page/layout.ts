/** Where the services of a graph stand: callers left of what they call. */

export interface Place {
  readonly column: number;
  readonly row: number;
}

export interface Layout {
  readonly places: ReadonlyMap<string, Place>;
  readonly columns: number;
  readonly rows: number;
}

/**
 * Give each service a place. A service stands right of all that call it, as far as calls do not go in a circle.
 * @param names services, in the order in which they stand in a column
 */
export function layOut(
  names: readonly string[],
  edges: readonly { readonly from: string; readonly to: string }[],
): Layout {
  const column = new Map(names.map((name) => [name, 0]));
  // Each pass moves what is called one further; a circle would go on for ever.
  for (let pass = 0; pass < names.length; pass++) {
    let moved = false;
    for (const { from, to } of edges) {
      const [left, right] = [column.get(from), column.get(to)];
      if (left === undefined || right === undefined || from === to || right > left || left + 1 >= names.length)
        continue;
      column.set(to, left + 1);
      moved = true;
    }
    if (!moved) break;
  }
  const used = [...new Set(column.values())].toSorted((a, b) => a - b);
  const rows = used.map(() => 0);
  const places = new Map(
    names.map((name) => {
      const index = used.indexOf(column.get(name)!);
      return [name, { column: index, row: rows[index]!++ }];
    }),
  );
  return { places, columns: used.length, rows: Math.max(0, ...rows) };
}

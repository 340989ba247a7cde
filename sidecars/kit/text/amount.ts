/** Amounts of memory as top writes them; pages for a browser use it, too. */

/** As top writes it: `812`, `9.8m`, `1.2g`, from KiB on. */
export function amount(bytes: number): string {
  const kib = bytes / 1024;
  if (kib < 10_000) return String(Math.round(kib));
  return kib < 1024 * 1024 ? `${(kib / 1024).toFixed(1)}m` : `${(kib / 1024 / 1024).toFixed(1)}g`;
}

/**
 * What the system says about a failed call.
 * @throws the error itself where it is none of the system's, but ours
 */
export function codeOf(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined) throw error;
  return code;
}

/** The one flag that Kubernetes' topz has, under its own name. */

/**
 * Arguments as the kit reads them: `--addr` (or Go's `-addr`) becomes `--topz-address`.
 * @param args after the program's name
 */
export function translateArguments(args: readonly string[]): string[] {
  return args.map((arg) => arg.replace(/^--?addr(?==|$)/, '--topz-address'));
}

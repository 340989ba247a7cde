/** Functions of the C library that Node has no name for, by node:ffi. */
import type { DynamicLibraryResult } from 'node:ffi';

/**
 * Find functions of the C library.
 * @param signatures by name, as node:ffi has them
 * @returns undefined where this process may not call it (it was started without `--experimental-ffi`), or where the
 * library lacks one of them
 */
export function cFunctions<T extends Parameters<typeof import('node:ffi').dlopen>[1] & object>(
  signatures: T,
): DynamicLibraryResult<T>['functions'] | undefined {
  if (!process.execArgv.includes('--experimental-ffi')) return undefined;
  try {
    return process.getBuiltinModule('node:ffi').dlopen(null, signatures).functions;
  } catch {
    return undefined;
  }
}

/** `import { up } from 'sidecar-stacks'`: compose projects as fixtures of integration tests. */
export { StackError, type EventuallyOptions, type ExecResult, type Stack, type UpOptions } from './testing/stack.ts';
export { up } from './testing/up.ts';

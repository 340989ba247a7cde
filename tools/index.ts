/** `import { up } from 'sidecar-stacks'`: compose projects as fixtures of integration tests. */
export { StackError, up, type EventuallyOptions, type ExecResult, type Stack, type UpOptions } from './testing/up.ts';

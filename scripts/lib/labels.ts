/**
 * The labels by which everything of ours is found again: `make clean` removes what carries one of
 * them, and nothing else.
 */

/** On every container, network and volume of a stack; the value is the stack's name. */
export const STACK_LABEL = 'dev.sidecar-stacks.stack';

/** On every image of ours; the value is `base` or the name of the part that the image holds. */
export const IMAGE_LABEL = 'dev.sidecar-stacks.image';

/** On every container: what it is in its pod. */
export const ROLE_LABEL = 'dev.sidecar-stacks.role';

export const ROLES: readonly string[] = ['pod', 'app', 'sidecar', 'init', 'service'];

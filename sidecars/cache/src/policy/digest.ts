/** Short names of what is only compared. */
import { hash } from 'node:crypto';

/** A text of any length as 22 characters that no other text has (SHA-256, its first 132 bits). */
export const digest = (text: string): string => hash('sha256', text, 'base64url').slice(0, 22);

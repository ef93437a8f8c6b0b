/** A refusal in the person's language: what happened and what to do. Fault codes never reach the screen. */
import type { Fault } from '#shared/faults.ts';
import { NAME_MAX_CHARS, PASSWORD_MIN_CHARS } from '#shared/limits.ts';
import { m } from './words.ts';

export function faultSentence(code: Fault | 'offline'): string {
  switch (code) {
    case 'offline':
      return m.fault_offline();
    case 'wrong-credentials':
      return m.fault_wrong_credentials();
    case 'email-taken':
      return m.fault_email_taken();
    case 'signup-closed':
      return m.fault_signup_closed();
    case 'too-fast':
      return m.fault_too_fast();
    case 'signed-out':
      return m.fault_signed_out();
    case 'last-owner':
      return m.fault_last_owner();
    case 'not-allowed':
    case 'forged-update':
    case 'wrong-origin':
      return m.fault_not_allowed();
    case 'not-a-member':
      return m.fault_not_a_member();
    case 'not-visible':
      return m.fault_not_visible();
    case 'conversation-deleted':
      return m.conversation_deleted();
    case 'not-found':
      return m.fault_not_found();
    case 'too-large':
      return m.fault_too_large();
    case 'share-used-up':
      return m.fault_share_used_up();
    case 'no-room':
      return m.fault_no_room();
    case 'wrong-hash':
      return m.fault_wrong_hash();
    case 'too-many':
      return m.fault_too_many();
    case 'conflict':
      return m.fault_conflict();
    case 'invalid-input':
    case 'malformed-frame':
    case 'wrong-method':
    case 'range-not-satisfiable':
      return m.fault_invalid();
    case 'relay-fault':
    case 'not-ready':
      return m.fault_relay();
  }
}

/** What is wrong with one field of a form, in words of its own. */
export function fieldSentence(field: string): string {
  switch (field) {
    case 'name':
      return m.field_name({ max: NAME_MAX_CHARS });
    case 'email':
      return m.field_email();
    case 'password':
    case 'next':
      return m.field_password({ min: PASSWORD_MIN_CHARS });
    default:
      return m.fault_invalid();
  }
}

/** The same shape as the state's Refusal; words lie below the state and do not import it. */
interface Refusal {
  code: Fault | 'offline';
  fields: Record<string, string>;
}

export interface FormErrors {
  /** Field name → sentence. */
  fields: Record<string, string>;
  /** What belongs to no field. */
  form: string | null;
}

export const noErrors: FormErrors = { fields: {}, form: null };

/** Sorts a refusal to the fields of a form that has these. A taken address belongs to the address, a wrong password to the password. */
export function formErrors(refusal: Refusal | null, has: readonly string[]): FormErrors {
  if (!refusal) return noErrors;
  const fields: Record<string, string> = {};
  for (const name of Object.keys(refusal.fields)) if (has.includes(name)) fields[name] = fieldSentence(name);
  if (refusal.code === 'email-taken' && has.includes('email')) fields.email = m.fault_email_taken();
  if (refusal.code === 'wrong-credentials')
    fields[has.includes('current') ? 'current' : 'password'] = m.fault_wrong_credentials();
  if (refusal.code === 'wrong-credentials' && has.includes('current')) fields.current = m.fault_wrong_password();
  return { fields, form: Object.keys(fields).length > 0 ? null : faultSentence(refusal.code) };
}

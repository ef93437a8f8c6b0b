/** What the relay would refuse, said before it is asked: by the same schemas. Null when all is well. */
import * as v from 'valibot';
import { fieldSentence, type FormErrors } from '$lib/words/refusals.ts';
import { m } from '$lib/words/words.ts';
import { API } from '#shared/protocol/api.ts';

export function fieldErrors(door: 'login' | 'signup', input: Record<string, string>): FormErrors | null {
  const parsed = v.safeParse(API[door].body, input);
  if (parsed.success) return null;
  const fields: Record<string, string> = {};
  for (const issue of parsed.issues) {
    const name = String(issue.path?.[0]?.key);
    fields[name] = door === 'login' && name === 'password' ? m.field_password_missing() : fieldSentence(name);
  }
  return { fields, form: null };
}

/**
 * Passwords, as argon2id with OWASP's parameters (19 MiB, two passes). The only importer of the argon2 binding. An unknown address costs
 * the same time as a wrong password, so that nobody can ask who has an account (rule H3).
 */
import { hash, verify } from '@node-rs/argon2';

const OPTIONS = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

export const hashPassword = (password: string): Promise<string> => hash(password, OPTIONS);

let decoy: Promise<string> | undefined;

/** `stored` is null when there is no such account: the work is done all the same, and the answer is no. */
export async function passwordMatches(stored: string | null, password: string): Promise<boolean> {
  const against = stored ?? (await (decoy ??= hashPassword('nobody has this password')));
  const matches = await verify(against, password);
  return matches && stored !== null;
}

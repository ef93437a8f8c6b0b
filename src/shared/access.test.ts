import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { ACTIONS, may, outranks, type Action, type Role } from './access.ts';

const roles: Role[] = ['member', 'admin', 'owner'];

test('[A11] [A3] in a group, administrators do what members may not', () => {
  const forAdmins: Action[] = [
    'delete-any',
    'rename',
    'pin',
    'add-member',
    'remove-member',
    'change-role',
    'mention-all',
  ];
  for (const action of forAdmins) expect(roles.map((role) => may(role, action, 'group'))).toEqual([false, true, true]);
  for (const action of ['write', 'leave'] as const)
    expect(roles.every((role) => may(role, action, 'group'))).toBe(true);
});

test('[M6] a group is deleted by its owner alone', () => {
  expect(roles.map((role) => may(role, 'delete-group', 'group'))).toEqual([false, false, true]);
});

test('[A3] in a direct conversation nobody is above the other', () => {
  const allowed: Action[] = ['write', 'pin'];
  for (const action of ACTIONS)
    for (const role of roles) expect(may(role, action, 'direct')).toBe(allowed.includes(action));
});

test('[A16] nobody acts on their own rank or above', () => {
  expect(roles.map((actor) => roles.map((other) => outranks(actor, other)))).toEqual([
    [false, false, false],
    [true, false, false],
    [true, true, false],
  ]);
});

test('[A16] [M6] docs/rights.md says what each role may do in a group', async () => {
  const page = await readFile('docs/rights.md', 'utf8');
  const rows = [...page.matchAll(/^\| `([a-z-]+)`[^|]*\|([^|]*)\|([^|]*)\|([^|]*)\|$/gm)];
  const told = rows.map(([, action, ...cells]) => [action, cells.map((cell) => cell.trim() === 'yes')]);
  expect(Object.fromEntries(told)).toEqual(
    Object.fromEntries(ACTIONS.map((action) => [action, roles.map((role) => may(role, action, 'group'))])),
  );
});

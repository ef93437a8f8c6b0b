/** Groups: who may do what in them, and that it shows at once on every side. */
import type { Actor } from './fixtures/actor.ts';
import { expect, test } from './fixtures/stage.ts';

/** The line of somebody in the details that are open. */
const member = (actor: Actor, other: Actor) =>
  actor.page.getByRole('region', { name: 'Details' }).getByRole('listitem').filter({ hasText: other.name });

async function showsDetails(actor: Actor): Promise<void> {
  await actor.page.getByRole('button', { name: 'Details', exact: true }).click();
  await expect(actor.page.getByRole('button', { name: 'Leave group' })).toBeVisible();
}

async function chooses(actor: Actor, other: Actor, item: string): Promise<void> {
  await actor.page.getByRole('button', { name: `Options for ${other.name}` }).click();
  await actor.page.getByRole('menuitem', { name: item }).click();
}

const agrees = (actor: Actor, button: string) =>
  actor.page.getByRole('dialog').getByRole('button', { name: button, exact: true }).click();

test('an admin is made, removes somebody, gets the group, and its first owner leaves', async ({ stage }) => {
  const [an, binh, chi] = [await stage.actor('An'), await stage.actor('Bình'), await stage.actor('Chi')];
  await stage.group('Tổ dân phố', an, [binh, chi]);
  await Promise.all([an, binh, chi].map((actor) => actor.comesIn()));
  await Promise.all([an, binh, chi].map((actor) => actor.opens('Tổ dân phố')));
  await Promise.all([an, binh].map(showsDetails));
  await expect(member(binh, an)).toContainText('Owner');
  await expect(binh.page.getByRole('button', { name: /^Options for/ })).toHaveCount(0);
  await expect(binh.page.getByRole('button', { name: 'Add people' })).toHaveCount(0);

  await chooses(an, binh, 'Make admin');
  await expect(member(an, binh)).toContainText('Admin');
  await expect(member(binh, binh)).toContainText('Admin');
  await expect(binh.page.getByRole('button', { name: 'Add people' })).toBeVisible();
  // Nobody acts on the owner.
  await expect(binh.page.getByRole('button', { name: /^Options for/ })).toHaveCount(1);

  await chooses(binh, chi, 'Remove from group');
  await agrees(binh, 'Remove');
  await expect(member(binh, chi)).toHaveCount(0);
  await expect(member(an, chi)).toHaveCount(0);
  await expect(chi.page.getByText('You are no longer in this conversation.')).toBeVisible();
  await expect(chi.row('Tổ dân phố')).toHaveCount(0);

  await an.page.getByRole('button', { name: 'Leave group' }).click();
  await agrees(an, 'Leave');
  await expect(an.page.getByRole('dialog').getByRole('alert')).toContainText('You own this group');
  await agrees(an, 'Cancel');
  await chooses(an, binh, 'Hand over the group');
  await agrees(an, 'Hand over');
  await expect(member(an, binh)).toContainText('Owner');
  await expect(member(binh, binh)).toContainText('Owner');
  await expect(member(binh, an)).toContainText('Admin');

  await an.page.getByRole('button', { name: 'Leave group' }).click();
  await agrees(an, 'Leave');
  await expect(an.row('Tổ dân phố')).toHaveCount(0);
  await expect(member(binh, an)).toHaveCount(0);
});

test('a group that may not be left comes back when the relay says so, in words of its own', async ({ stage }) => {
  const [an, binh] = [await stage.actor('An'), await stage.actor('Bình')];
  await stage.group('Câu lạc bộ', an, [binh]);
  await an.comesIn();
  await an.opens('Câu lạc bộ');
  await showsDetails(an);
  await an.goesOffline();
  await an.page.getByRole('button', { name: 'Leave group' }).click();
  await agrees(an, 'Leave');
  await expect(an.row('Câu lạc bộ')).toHaveCount(0);
  await an.comesBack();
  await expect(an.page.getByText('You are still in the group. You own this group.')).toBeVisible();
  await expect(an.row('Câu lạc bộ')).toBeVisible();
});

/** A group whose history is closed to those who are added later. */
import { expect, test } from './fixtures/stage.ts';

test('who is added sees messages from their joining on, and is told where that is', async ({ stage }) => {
  const [an, binh] = [await stage.actor('An'), await stage.actor('Bình')];
  const id = await stage.group('Tiệc bất ngờ', an, []);
  await Promise.all([an.comesIn(), binh.comesIn()]);
  await an.opens('Tiệc bất ngờ');
  await an.writes('quà của Bình là gì?');
  await an.seesState('quà của Bình là gì?', 'Sent');

  await an.page.getByRole('button', { name: 'Details', exact: true }).click();
  const setting = an.page.getByRole('group', { name: 'New members see' });
  await setting.getByRole('radio', { name: 'Only from their joining on' }).check();
  await an.page.getByRole('button', { name: 'Add people' }).click();
  const dialog = an.page.getByRole('dialog');
  await dialog.getByRole('searchbox', { name: 'Search people' }).fill(binh.name);
  await dialog.getByRole('checkbox', { name: binh.name }).check();
  await dialog.getByRole('button', { name: 'Add', exact: true }).click();

  await expect(binh.row('Tiệc bất ngờ')).toContainText('No messages yet');
  await an.chooses('quà của Bình là gì?', 'Reply');
  await an.writes('để hỏi sau nhé');
  await expect(binh.row('Tiệc bất ngờ')).toContainText('để hỏi sau nhé');
  await binh.opens('Tiệc bất ngờ');
  await binh.sees('để hỏi sau nhé');
  await expect(binh.log.getByText('You see messages from your joining on')).toBeVisible();
  await expect(binh.log.getByRole('article')).toHaveCount(1);
  await expect(binh.log.getByText('This is where it begins')).toHaveCount(0);
  await expect(binh.log.getByText('quà của Bình')).toHaveCount(0);
  await binh.message('để hỏi sau nhé').getByRole('button', { name: 'Written before you joined' }).click();
  await expect(binh.page.getByText('This message was written before you joined.')).toBeVisible();

  await binh.writes('mọi người nói gì thế?');
  await an.sees('mọi người nói gì thế?');
  await an.sees('quà của Bình là gì?');
  await binh.reloads();
  await binh.sees('mọi người nói gì thế?');
  await expect(binh.log.getByText('You see messages from your joining on')).toBeVisible();
  await expect(binh.log.getByText('quà của Bình')).toHaveCount(0);
  const history = await binh.context.request.get(`${stage.relay.url}/api/conversations/${id}/messages`);
  expect(await history.text()).not.toContain('quà của Bình');
});

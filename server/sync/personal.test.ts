import { afterAll, beforeAll, test } from 'vitest';
import { personalDoc } from '#shared/model/doc-names.ts';
import { readOf } from '#shared/model/personal.ts';
import { testDatabase, type TestDatabase } from '../storage/test-database.ts';
import { Device, makeConversation, makePerson, startRelay, until } from './test-stage.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await testDatabase();
});
afterAll(() => db.stop());

/** Of two values set without knowing of each other, Yjs keeps that of the larger client id. */
const [LOSES, WINS] = [1, 0x7fff_ffff];

test.each([
  { first: LOSES, second: WINS },
  { first: WINS, second: LOSES },
])('[U3] two devices read on without a network: the further mark stays, whichever Yjs keeps', async (clients) => {
  const relay = startRelay(db.sql);
  const an = await makePerson(db.sql);
  const conversation = await makeConversation(db.sql, [{ person: an, role: 'owner' }]);
  const mine = personalDoc(an);
  const [phone, laptop] = [new Device(an), new Device(an)];
  phone.doc(mine).clientID = clients.first;
  laptop.doc(mine).clientID = clients.second;
  readOf(phone.doc(mine)).set(conversation, 10);
  readOf(laptop.doc(mine)).set(conversation, 5);
  laptop.connect(relay);
  await until('the laptop is heard', () => relay.heard.read.at(-1)?.seq === 5);
  phone.connect(relay);
  await until('the phone is heard', () => relay.heard.read.at(-1)?.seq === 10);
  await until('both know', () => [phone, laptop].every((device) => readOf(device.doc(mine)).get(conversation) === 10));
  // Taken out of the document altogether: somebody has read it all the same.
  readOf(phone.doc(mine)).delete(conversation);
  await phone.settle(mine);
  await until('it is back', () => readOf(laptop.doc(mine)).get(conversation) === 10);
  await relay.stop();
});

import { beforeEach, expect, test } from 'vitest';
import { chooseDevice, chosenDevices } from './chosen-devices.ts';

beforeEach(() => localStorage.clear());

test('what was chosen is there again, each for itself', () => {
  expect(chosenDevices()).toEqual({});
  chooseDevice('microphone', 'usb');
  chooseDevice('speaker', 'hall');
  chooseDevice('microphone', 'headset');
  expect(chosenDevices()).toEqual({ microphone: 'headset', speaker: 'hall' });
});

test('rubbish where it is kept is no choice', () => {
  for (const rubbish of ['null', '[]', '"usb"', '{"camera":7}', '{', 'undefined']) {
    localStorage.setItem('call-devices', rubbish);
    expect(chosenDevices()).toEqual({});
  }
});

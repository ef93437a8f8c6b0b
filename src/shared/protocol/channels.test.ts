import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeChannelFrame, encodeChannelFrame } from './channels.ts';

test("[S1] a channel's number and bytes survive the wire", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0xffff_ffff }), fc.uint8Array({ maxLength: 60 }), (channel, body) => {
      expect(decodeChannelFrame(encodeChannelFrame(channel, body))).toEqual({ ok: true, value: { channel, body } });
    }),
  );
});

test('[S2] no byte string makes the decoder throw', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (noise) => void decodeChannelFrame(noise)));
  for (const cut of [[], [128], [255, 255, 255, 255, 255, 255, 255, 255, 255, 255], [255, 255, 255, 255, 31]]) {
    expect(decodeChannelFrame(new Uint8Array(cut)).ok, String(cut)).toBe(false);
  }
});

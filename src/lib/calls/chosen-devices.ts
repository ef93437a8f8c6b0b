/** Which microphone, camera and speaker were chosen on this device; the browser's own choice where none was. */
import * as v from 'valibot';

const ChosenDevices = v.object({
  microphone: v.optional(v.string()),
  camera: v.optional(v.string()),
  speaker: v.optional(v.string()),
});
export type ChosenDevices = v.InferOutput<typeof ChosenDevices>;

const KEY = 'call-devices';

export function chosenDevices(): ChosenDevices {
  try {
    const kept = v.safeParse(ChosenDevices, JSON.parse(localStorage.getItem(KEY) ?? '{}'));
    return kept.success ? kept.output : {};
  } catch {
    return {};
  }
}

export function chooseDevice(kind: keyof ChosenDevices, id: string): void {
  try {
    localStorage.setItem(KEY, JSON.stringify({ ...chosenDevices(), [kind]: id }));
  } catch {
    // Blocked storage: the choice holds for this call.
  }
}

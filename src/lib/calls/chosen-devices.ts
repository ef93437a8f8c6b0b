/** Which microphone, camera and speaker were chosen on this device; the browser's own choice where none was. */
export interface ChosenDevices {
  microphone?: string;
  camera?: string;
  speaker?: string;
}

const KEY = 'call-devices';

export function chosenDevices(): ChosenDevices {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? '{}') as ChosenDevices;
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

/** How much is sent to each of the others: everybody sends to everybody, so the more they are, the less each gets. The browser goes below by itself. */

interface Limits {
  /** Bits per second. */
  maxBitrate: number;
  scaleResolutionDownBy: number;
}

export function videoLimits(others: number, screen: boolean): Limits {
  if (screen) return { maxBitrate: others > 3 ? 800_000 : 1_500_000, scaleResolutionDownBy: 1 };
  if (others <= 1) return { maxBitrate: 1_700_000, scaleResolutionDownBy: 1 };
  if (others <= 3) return { maxBitrate: 600_000, scaleResolutionDownBy: 2 };
  return { maxBitrate: 250_000, scaleResolutionDownBy: 3 };
}

export async function adapt(connection: RTCPeerConnection, others: number, screen: boolean): Promise<void> {
  const limits = videoLimits(others, screen);
  for (const sender of connection.getSenders()) {
    if (sender.track?.kind !== 'video') continue;
    const parameters = sender.getParameters();
    const [encoding] = parameters.encodings as (RTCRtpEncodingParameters | undefined)[];
    if (encoding === undefined || encoding.maxBitrate === limits.maxBitrate) continue;
    Object.assign(encoding, limits);
    parameters.degradationPreference = screen ? 'maintain-resolution' : 'balanced';
    // Refused while the connection is being closed, and nothing depends on it.
    await sender.setParameters(parameters).catch(() => {});
  }
}

/** How good a connection is, from what the browser counts (https://www.w3.org/TR/webrtc-stats/): of packets, those that were lost; and the way there and back. */
export type Quality = 'good' | 'poor' | 'bad';

/** Counted from the beginning of a connection. */
export interface Counted {
  received: number;
  lost: number;
  /** Seconds; null when it was not measured yet. */
  roundTrip: number | null;
}

/** From about here one notices, and from there one cannot talk: ITU-T G.114 names 150 and 400 ms for one way. */
const POOR = { lossShare: 0.03, roundTripSeconds: 0.3 };
const BAD = { lossShare: 0.1, roundTripSeconds: 0.8 };

export function qualityOf(before: Counted, now: Counted): Quality {
  const received = now.received - before.received;
  const lost = Math.max(0, now.lost - before.lost);
  const lossShare = received + lost <= 0 ? 0 : lost / (received + lost);
  const roundTrip = now.roundTrip ?? 0;
  if (lossShare >= BAD.lossShare || roundTrip >= BAD.roundTripSeconds) return 'bad';
  return lossShare >= POOR.lossShare || roundTrip >= POOR.roundTripSeconds ? 'poor' : 'good';
}

interface Stats {
  type: string;
  packetsReceived?: number;
  packetsLost?: number;
  nominated?: boolean;
  currentRoundTripTime?: number;
}

export async function counted(connection: RTCPeerConnection): Promise<Counted> {
  const sum: Counted = { received: 0, lost: 0, roundTrip: null };
  for (const stats of (await connection.getStats()).values() as Iterable<Stats>) {
    if (stats.type === 'inbound-rtp') {
      sum.received += stats.packetsReceived ?? 0;
      sum.lost += stats.packetsLost ?? 0;
    }
    if (stats.type === 'candidate-pair' && stats.nominated === true)
      sum.roundTrip = stats.currentRoundTripTime ?? sum.roundTrip;
  }
  return sum;
}
